/* main.c - global options, dispatch, and the one place where an error is
 * printed. What the subcommands do is in commands/.
 *
 * The project root is --root; else the nearest folder upwards from the working
 * directory that holds kernel/bases and configs/campaigns; else the same from
 * the program's own folder; else the working directory.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "log.h"
#include "memory.h"
#include "suggest.h"
#include "supervisor.h"

struct settings {
	struct globals globals;       /* points into the strings below and argv */
	char *root, *build, *results, *cache; /* owned */
	struct strbuf program;        /* its name, and the options in globals as given */
	const char *root_option, *results_option, *cache_option, *accel;
	uint64_t cache_gib;
	bool verbose, quiet, no_progress, help, version;
	bool lacks_root;              /* neither named nor found */
};

static void settings_release(struct settings *settings)
{
	free(settings->root);
	free(settings->build);
	free(settings->results);
	free(settings->cache);
	strbuf_release(&settings->program);
}

static bool is_root(const char *folder)
{
	cleanup_free char *bases = path_join(folder, "kernel/bases");
	cleanup_free char *campaigns = path_join(folder, "configs/campaigns");

	return path_is_folder(bases) && path_is_folder(campaigns);
}

/* The nearest root at or above folder; owned or NULL. */
static char *find_root(const char *start)
{
	cleanup_free char *folder = path_absolute(start);

	while (!is_root(folder)) {
		char *parent;

		if (strcmp(folder, "/") == 0)
			return NULL;
		parent = path_folder(folder);
		free(folder);
		folder = parent;
	}
	return take_pointer(folder);
}

static char *program_folder(void)
{
	char program[PATH_MAX] = "";

	if (readlink("/proc/self/exe", program, sizeof(program) - 1) <= 0)
		return path_absolute(".");
	return path_folder(program);
}

/* The global option that word is, with its value's place; NULL if none is. */
static const struct option_info *match_global(const struct option_info *options,
					      const char *word)
{
	for (; options->name; options++) {
		size_t length = strlen(options->name);

		if (strncmp(word, options->name, length) == 0 &&
		    (word[length] == '\0' || word[length] == '='))
			return options;
	}
	return NULL;
}

/* Those that decide what a command works on, so that another finds the same. */
static void note_option(struct settings *settings, const struct option_info *option,
			char *const *words, int count)
{
	if (option->kind == OPTION_FLAG)
		return;
	for (int i = 1; i < count; i++) {
		strbuf_addc(&settings->program, ' ');
		strbuf_add_shell_word(&settings->program, words[i]);
	}
}

/* Takes the global options out of argv and stores them. */
static int take_globals(struct settings *settings, int *argc, char **argv,
			struct error *err)
{
	const struct option_info options[] = {
		{ "--root", OPTION_TEXT, &settings->root_option, 0, 0 },
		{ "--results", OPTION_TEXT, &settings->results_option, 0, 0 },
		{ "--cache", OPTION_TEXT, &settings->cache_option, 0, 0 },
		{ "--cache-size", OPTION_NUMBER, &settings->cache_gib, 1, 1 << 20 },
		{ "--connect", OPTION_TEXT, &settings->globals.uri, 0, 0 },
		{ "--accel", OPTION_TEXT, &settings->accel, 0, 0 },
		{ "--verbose", OPTION_FLAG, &settings->verbose, 0, 0 },
		{ "--quiet", OPTION_FLAG, &settings->quiet, 0, 0 },
		{ "--no-progress", OPTION_FLAG, &settings->no_progress, 0, 0 },
		{ "--help", OPTION_FLAG, &settings->help, 0, 0 },
		{ "-h", OPTION_FLAG, &settings->help, 0, 0 },
		{ "--version", OPTION_FLAG, &settings->version, 0, 0 },
		{ .name = NULL },
	};
	int kept = 1, i;

	strbuf_adds(&settings->program, "kerngate");
	for (i = 1; i < *argc && strcmp(argv[i], "--") != 0; i++) {
		const struct option_info *option = match_global(options, argv[i]);
		char *words[4] = { argv[0], argv[i], NULL, NULL };
		int count = 2, status;

		if (!option) {
			argv[kept++] = argv[i];
			continue;
		}
		if (option->kind != OPTION_FLAG && !strchr(argv[i], '=') &&
		    i + 1 < *argc)
			words[count++] = argv[++i];
		note_option(settings, option, words, count);
		status = command_parse_options(options, &count, words, err);
		if (status != 0)
			return status;
	}
	while (i < *argc)
		argv[kept++] = argv[i++];
	argv[kept] = NULL;
	*argc = kept;
	return 0;
}

static int complete_settings(struct settings *settings, struct error *err)
{
	struct globals *globals = &settings->globals;
	struct error cause = ERROR_INIT;

	if (settings->accel &&
	    accelerator_choice_parse(settings->accel, &globals->accelerator,
				     &cause) < 0)
		return command_usage_error(err, "--accel: %s", cause.message);
	settings->build = program_folder();
	if (settings->root_option) {
		settings->root = path_absolute(settings->root_option);
		if (!is_root(settings->root))
			return command_usage_error(
				err, "--root %s: expected a folder with kernel/bases and configs/campaigns",
				settings->root_option);
	}
	if (!settings->root)
		settings->root = find_root(".");
	if (!settings->root)
		settings->root = find_root(settings->build);
	if (!settings->root) {
		settings->root = path_absolute(".");
		settings->lacks_root = true;
	}
	settings->results = settings->results_option ?
				    path_absolute(settings->results_option) :
				    path_join(settings->root, "results");
	if (settings->cache_option)
		settings->cache = path_absolute(settings->cache_option);
	globals->project_root = settings->root;
	globals->build_dir = settings->build;
	globals->results_dir = settings->results;
	globals->cache_path = settings->cache;
	globals->cache_max_bytes = settings->cache_gib << 30;
	globals->program = settings->program.data;
	if (settings->quiet)
		log_set_level(LOG_WARNING);
	if (settings->verbose)
		log_set_level(LOG_DEBUG);
	if (settings->no_progress)
		log_set_live(false);
	return 0;
}

static int unknown_command(const char *name, struct error *err)
{
	const char *names[64], *nearest;
	size_t count = 0;

	while (command_table[count] && count < ARRAY_COUNT(names)) {
		names[count] = command_table[count]->name;
		count++;
	}
	nearest = suggest_nearest(name, names, count);
	if (nearest)
		return command_usage_error(err, "no command \"%s\" (did you mean \"%s\"?)",
					   name, nearest);
	return command_usage_error(err, "no command \"%s\"", name);
}

static int run_command(struct settings *settings, int argc, char **argv,
		       struct error *err)
{
	const struct command *command;
	int status;

	/* `kerngate help NAME` is `kerngate NAME --help`. */
	if (argc > 1 && strcmp(argv[1], "help") == 0) {
		settings->help = true;
		argv++;
		argc--;
	}
	if (argc > 1 && argv[1][0] == '-')
		return command_parse_options(&(struct option_info){ .name = NULL },
					     &argc, argv, err);
	if (argc == 1) {
		command_print_overview(settings->help ? stdout : stderr);
		return settings->help ? EXIT_OK : EXIT_USAGE;
	}
	command = command_find(argv[1]);
	if (!command)
		return unknown_command(argv[1], err);
	command_set_current(command);
	if (settings->help) {
		command_print_help(command);
		return EXIT_OK;
	}
	status = complete_settings(settings, err);
	if (status != 0)
		return status;
	if (command->supervised)
		supervisor_start();
	status = command->run(&settings->globals, argc - 1, argv + 1, err);
	return status < 0 ? EXIT_HARNESS : status;
}

int main(int argc, char **argv)
{
	cleanup_with(settings_release) struct settings settings = {
		.globals = { .uri = "embed", .accelerator = CHOICE_AUTO },
		.program = STRBUF_INIT,
	};
	static struct error err; /* 4 KiB, and zero as ERROR_INIT is */
	int status = take_globals(&settings, &argc, argv, &err);

	if (status == 0 && settings.version)
		printf("kerngate %s\n", kerngate_version);
	else if (status == 0)
		status = run_command(&settings, argc, argv, &err);
	progress_clear();
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "kerngate: writing the output: %s\n",
			strerror(errno));
		return EXIT_HARNESS;
	}
	if (err.code != 0)
		fprintf(stderr, "kerngate%s %s\n",
			status == EXIT_USAGE && command_current() ? "" : ":",
			err.message);
	if (err.code != 0 && settings.lacks_root)
		fprintf(stderr, "kerngate: no project was found here or above; --root DIR names one\n");
	return status;
}
