/* command.c - the table of subcommands, their options and their help. What the
 * subcommands do is in their own files.
 */
#include "command.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "fleet.h"
#include "process.h"
#include "strbuf.h"
#include "suggest.h"

const char kerngate_version[] = "0.1";

extern const struct command command_ab;
extern const struct command command_baseline, command_bisect, command_boot, command_build,
	command_cache, command_compare, command_doctor, command_gate, command_history,
	command_index, command_list, command_nightly, command_profile, command_prune, command_replay,
	command_report, command_run,
	command_scale, command_selftest,
	command_show, command_validate, command_walk;

const struct command *const command_table[] = {
	&command_doctor,
	&command_build,
	&command_run,
	&command_nightly,
	&command_boot,
	&command_compare,
	&command_gate,
	&command_history,
	&command_baseline,
	&command_selftest,
	&command_ab,
	&command_bisect,
	&command_walk,
	&command_report,
	&command_index,
	&command_validate,
	&command_scale,
	&command_replay,
	&command_profile,
	&command_list,
	&command_show,
	&command_cache,
	&command_prune,
	NULL,
};

static const struct command *current;

void command_set_current(const struct command *command)
{
	current = command;
}

const struct command *command_current(void)
{
	return current;
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; command_table[i]; i++)
		if (strcmp(command_table[i]->name, name) == 0)
			return command_table[i];
	return NULL;
}

int command_status(int code)
{
	return code < 0 ? EXIT_HARNESS : EXIT_OK;
}

/* --- help --------------------------------------------------------------------- */

void command_print_overview(FILE *file)
{
	fputs("kerngate: benchmarks and checks kernels in fleets of guests\n\n"
	      "usage: kerngate [OPTIONS] COMMAND [ARGUMENTS]\n\n", file);
	for (size_t i = 0; command_table[i]; i++)
		fprintf(file, "  %-8s  %s\n", command_table[i]->name,
			command_table[i]->summary);
	fputs("\nOptions of all commands, before or after the command:\n"
	      "  --root DIR        project: kernel/ and configs/ (default: found upwards\n"
	      "                    from here, else from the program's folder)\n"
	      "  --results DIR     runs and their database (default ROOT/results)\n"
	      "  --cache DIR       sources and built kernels (default\n"
	      "                    $XDG_CACHE_HOME/kerngate or ~/.cache/kerngate)\n"
	      "  --cache-size GIB  bound of the cache (default 20)\n"
	      "  --connect URI     libvirt host (default embed: a driver of our own)\n"
	      "  --accel NAME      auto, kvm or tcg (default auto: KVM if it is proven)\n"
	      "  --verbose, --quiet, --no-progress\n"
	      "  --help            of the program or of a command\n"
	      "  --version\n\n"
	      "exit status: 0 done, 2 the harness could not do its job, 64 wrong usage;\n"
	      "`kerngate gate` has more.\n", file);
}

void command_print_help(const struct command *command)
{
	size_t length = strlen(command->help);

	printf("kerngate %s: %s\n\nusage: kerngate %s\n\n%s%s", command->name,
	       command->summary, command->usage, command->help,
	       length && command->help[length - 1] != '\n' ? "\n" : "");
}

int command_usage_error(struct error *err, const char *format, ...)
{
	cleanup_free char *text = NULL;
	const char *name = current ? current->name : NULL;
	va_list arguments;

	va_start(arguments, format);
	text = string_vformat(format, arguments);
	va_end(arguments);
	if (name)
		error_set(err, -EINVAL, "%s: %s; see kerngate %s --help", name,
			  text, name);
	else
		error_set(err, -EINVAL, "%s; see kerngate --help", text);
	return EXIT_USAGE;
}

/* --- options ------------------------------------------------------------------ */

static int unknown_option(const struct option_info *options, const char *word,
			  size_t length, struct error *err)
{
	static const char *const common[] = {
		"--root", "--results", "--cache", "--cache-size", "--connect",
		"--accel", "--verbose", "--quiet", "--no-progress", "--help",
	};
	const char *names[64], *nearest;
	cleanup_free char *name = string_copy_n(word, length);
	size_t count = 0;

	for (; options->name && count < 40; options++)
		names[count++] = options->name;
	for (size_t i = 0; i < ARRAY_COUNT(common); i++)
		names[count++] = common[i];
	nearest = suggest_nearest(name, names, count);
	if (nearest)
		return command_usage_error(err, "unknown option %s (did you mean %s?)",
					   name, nearest);
	return command_usage_error(err, "unknown option %s", name);
}

static int parse_number(const struct option_info *option, const char *text,
			struct error *err)
{
	char *end = NULL;
	uint64_t number;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno ||
	    number < option->minimum || number > option->maximum)
		return command_usage_error(
			err, "%s %s: expected a number from %" PRIu64 " to %" PRIu64,
			option->name, text, option->minimum, option->maximum);
	*(uint64_t *)option->value = number;
	return 0;
}

static int store_option(const struct option_info *option, const char *value,
			struct error *err)
{
	switch (option->kind) {
	case OPTION_FLAG:
		if (value)
			return command_usage_error(err, "%s takes no value",
						   option->name);
		*(bool *)option->value = true;
		return 0;
	case OPTION_TEXT:
	case OPTION_TEXTS:
		if (!value || !*value)
			return command_usage_error(err, "%s needs a value",
						   option->name);
		if (option->kind == OPTION_TEXT)
			*(const char **)option->value = value;
		else
			strvec_push(option->value, value);
		return 0;
	case OPTION_NUMBER:
		if (!value)
			return command_usage_error(err, "%s needs a number",
						   option->name);
		return parse_number(option, value, err);
	}
	return 0;
}

int command_parse_options(const struct option_info *options, int *argc,
			  char **argv, struct error *err)
{
	int operands = 1, i;

	for (i = 1; i < *argc; i++) {
		const char *word = argv[i], *value = strchr(word, '=');
		size_t length = value ? (size_t)(value - word) : strlen(word);
		const struct option_info *option = options;
		int status;

		if (strcmp(word, "--") == 0) {
			i++;
			break;
		}
		if (word[0] != '-' || word[1] == '\0') {
			argv[operands++] = argv[i];
			continue;
		}
		while (option->name && (strlen(option->name) != length ||
					strncmp(option->name, word, length) != 0))
			option++;
		if (!option->name)
			return unknown_option(options, word, length, err);
		if (value)
			value++;
		else if (option->kind != OPTION_FLAG && i + 1 < *argc)
			value = argv[++i];
		status = store_option(option, value, err);
		if (status != 0)
			return status;
	}
	while (i < *argc)
		argv[operands++] = argv[i++];
	argv[operands] = NULL;
	*argc = operands;
	return 0;
}

int command_check_operands(int argc, char **argv, int most, struct error *err)
{
	if (argc <= 1 + most)
		return 0;
	if (most == 0)
		return command_usage_error(err, "takes no argument, not \"%s\"",
					   argv[1]);
	return command_usage_error(err, "\"%s\" is one argument too many",
				   argv[1 + most]);
}

/* --- interrupts ----------------------------------------------------------------- */

/* Who stops a service, or a job with a time limit, signals every process of it: the
 * supervisor, which passes it on, and us. That is one wish, and comes twice. */
#define AGAIN_NS (500 * NS_PER_MS)

/* A second one ends us at once; the supervisor then ends the guests. */
static void on_interrupt(int number)
{
	static _Atomic uint64_t first_ns;
	uint64_t now_ns = clock_monotonic_ns(), none = 0;

	if (atomic_compare_exchange_strong(&first_ns, &none, now_ns)) {
		process_cancel_all();
		fleet_interrupt();
	} else if (now_ns - none > AGAIN_NS) {
		(void)signal(number, SIG_DFL);
		(void)raise(number); /* when this handler has returned */
	}
}

void command_catch_interrupts(void)
{
	struct sigaction action = { .sa_handler = on_interrupt };

	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGINT);
	sigaddset(&action.sa_mask, SIGTERM);
	sigaddset(&action.sa_mask, SIGHUP);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
}
