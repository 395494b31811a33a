/* kernel_make.c - see kernel_make.h. */
#include "kernel_make.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "log.h"
#include "memory.h"
#include "process.h"

#define CONFIG_BYTES_MAX (4 << 20)
#define EXCERPT_LINES_MAX 12
#define EXCERPT_BYTES_MAX 2500

/* Seconds since 1970 and the same for people: 2026-01-01, for every build. */
#define BUILD_EPOCH "SOURCE_DATE_EPOCH=1767225600"
#define BUILD_TIME "KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 2026"

static uint32_t count_cpus(void)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return 1;
	return (uint32_t)CPU_COUNT(&cpus);
}

/* `env -i`: what is set around us (MAKEFLAGS of an outer make, ARCH, KCFLAGS,
 * KBUILD_OUTPUT, ...) must not reach the build. */
static void add_environment(struct strvec *argv)
{
	static const char *const fixed[] = {
		"LC_ALL=C", "LOCALVERSION=", "KBUILD_BUILD_USER=kerngate",
		"KBUILD_BUILD_HOST=kerngate", "KBUILD_BUILD_VERSION=1",
		BUILD_EPOCH, BUILD_TIME, NULL,
	};
	static const char *const kept[] = { "PATH", "HOME", "TMPDIR" };

	strvec_push(argv, "env");
	strvec_push(argv, "-i");
	for (size_t i = 0; i < ARRAY_COUNT(kept); i++) {
		const char *value = getenv(kept[i]);

		if (value)
			strvec_pushf(argv, "%s=%s", kept[i], value);
	}
	strvec_push_all(argv, fixed);
}

static int first_line_of(const char *const *argv, char **ret_line,
			 struct error *err)
{
	const struct process_options options = { .capture = true };
	int code = process_run(argv, &options, ret_line, err);

	if (code == 0)
		(*ret_line)[strcspn(*ret_line, "\n")] = '\0';
	return code;
}

static void split_words(const char *text, struct strvec *ret_words)
{
	cleanup_free char *copy = string_copy(text);
	char *rest = copy, *word;

	while ((word = strsep(&rest, " \t")) != NULL)
		if (*word)
			strvec_push(ret_words, word);
}

int kernel_toolchain(const char *cc, char **ret_toolchain, struct error *err)
{
	static const char *const linker[] = { "ld", "--version", NULL };
	cleanup_strvec struct strvec compiler = STRVEC_INIT;
	cleanup_free char *compiler_line = NULL, *linker_line = NULL;
	int code;

	split_words(cc, &compiler);
	if (!compiler.count)
		return error_set(err, -EINVAL, "cc is empty; expected a "
				 "compiler's command");
	strvec_push(&compiler, "--version");
	code = first_line_of((const char *const *)compiler.items, &compiler_line,
			     err);
	if (code == 0)
		code = first_line_of(linker, &linker_line, err);
	if (code < 0)
		return error_prefix(err, "toolchain");
	*ret_toolchain = string_format("%s | %s", compiler_line, linker_line);
	return 0;
}

/* --- configuration --------------------------------------------------------------- */

char *kernel_requests_text(const struct config_requests *requests)
{
	cleanup_strvec struct strvec lines = STRVEC_INIT;
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < requests->count; i++) {
		const struct config_request *request = &requests->items[i];

		if (strcmp(request->value, "n") == 0)
			strvec_pushf(&lines, "# %s is not set", request->option);
		else
			strvec_pushf(&lines, "%s=%s", request->option,
				     request->value);
	}
	strvec_sort(&lines);
	for (size_t i = 0; i < lines.count; i++)
		strbuf_addf(&text, "%s\n", lines.items[i]);
	return strbuf_detach(&text);
}

int kernel_configure(const struct kernel_make *make, const char *fragment_path,
		     const struct config_requests *requests,
		     char **ret_config_text, struct error *err)
{
	const struct process_options options = {
		.folder = make->tree, .output_path = make->log_path,
	};
	cleanup_free char *path = path_join(make->tree, ".config"), *text = NULL;
	cleanup_strvec struct strvec argv = STRVEC_INIT;
	int code;

	progress_update(make->phase, "configuring", 0, 0, UINT64_MAX, NULL);
	add_environment(&argv);
	strvec_pushf(&argv, "KCONFIG_ALLCONFIG=%s", fragment_path);
	strvec_push(&argv, "make");
	strvec_pushf(&argv, "CC=%s", make->cc);
	strvec_push(&argv, "allnoconfig");
	code = process_run((const char *const *)argv.items, &options, NULL, err);
	if (code < 0)
		return error_prefix(err, "make allnoconfig");
	code = file_read(path, CONFIG_BYTES_MAX, &text, NULL);
	if (code < 0)
		return error_set_errno(err, code, "%s", path);
	code = config_requests_check(requests, text, err);
	if (code < 0)
		return code;
	*ret_config_text = take_pointer(text);
	return 0;
}

/* --- building ---------------------------------------------------------------------- */

struct compiling {
	const struct kernel_make *make;
	uint64_t count, began_ns;
	struct strbuf excerpt;      /* the first errors */
	size_t excerpt_lines;
	bool is_disk_full;
};

static bool is_error_line(const char *line)
{
	static const char *const marks[] = {
		"error: ", "Error: ", "ERROR: ", "undefined reference",
		"No rule to make target", "No space left on device",
		"internal compiler error", "Killed",
	};

	if (strncmp(line, "  ", 2) == 0 && isupper((unsigned char)line[2]))
		return false;
	for (size_t i = 0; i < ARRAY_COUNT(marks); i++)
		if (strstr(line, marks[i]))
			return true;
	return false;
}

static void keep_error(struct compiling *compiling, const char *line)
{
	bool is_make = strncmp(line, "make", 4) == 0;

	if (!compiling->excerpt_lines && !is_error_line(line))
		return;
	/* Afterwards make only repeats that it failed. */
	if (compiling->excerpt_lines >= EXCERPT_LINES_MAX ||
	    compiling->excerpt.length >= EXCERPT_BYTES_MAX ||
	    (is_make && compiling->excerpt_lines) ||
	    (strncmp(line, "  ", 2) == 0 && isupper((unsigned char)line[2])))
		return;
	strbuf_addf(&compiling->excerpt, "\n  %.300s", line);
	compiling->excerpt_lines++;
}

/* "  CC      mm/slab.o": one object more, and what is being done. */
static void show_step(struct compiling *compiling, const char *line)
{
	static const char *const steps[] = { "CC ", "AS ", "HOSTCC " };
	uint64_t total = compiling->make->expected_count;
	uint64_t spent_ns = clock_monotonic_ns() - compiling->began_ns;
	uint64_t remaining_ns = UINT64_MAX;
	char detail[128], step[16];
	bool is_object = false;
	int used = 0;

	if (sscanf(line, " %15s %n", step, &used) != 1 || !used)
		return;
	for (size_t i = 0; i < ARRAY_COUNT(steps); i++)
		is_object |= strncmp(line + 2, steps[i], strlen(steps[i])) == 0;
	compiling->count += is_object;
	if (total && total < compiling->count)
		total = compiling->count;
	if (total && compiling->count * 20 > total)
		remaining_ns = (uint64_t)((double)spent_ns *
			((double)total / (double)compiling->count - 1));
	snprintf(detail, sizeof(detail), "%s %s", step, line + used);
	progress_update(compiling->make->phase, "compiling", compiling->count,
			total, remaining_ns, detail);
}

static void on_make_line(void *context, const char *line)
{
	struct compiling *compiling = context;

	if (strncmp(line, "  ", 2) == 0 && isupper((unsigned char)line[2]))
		show_step(compiling, line);
	if (strstr(line, "No space left on device") ||
	    strstr(line, "Disk quota exceeded"))
		compiling->is_disk_full = true;
	keep_error(compiling, line);
}

static int judge(struct compiling *compiling, int code,
		 const struct error *cause, struct error *err)
{
	const struct kernel_make *make = compiling->make;
	uint64_t free_bytes = 0;

	if (code == -ECANCELED)
		return error_set(err, code, "interrupted; what is compiled is "
				 "kept for the next build");
	if (code == -ETIME)
		return error_set(err, code, "its time is up; what is compiled is "
				 "kept for the next build");
	if (compiling->is_disk_full &&
	    disk_free_bytes(make->tree, &free_bytes) == 0)
		return error_set(err, -ENOSPC,
				 "disk full: %" PRIu64 " MiB free under %s; log: "
				 "%s", free_bytes >> 20, make->tree,
				 make->log_path);
	if (code != -EREMOTEIO || !compiling->excerpt_lines)
		return error_set(err, code, "%s; log: %s", cause->message,
				 make->log_path);
	return error_set(err, code, "the build failed:%s\nlog: %s",
			 compiling->excerpt.data, make->log_path);
}

int kernel_compile(const struct kernel_make *make, uint64_t *ret_count,
		   struct error *err)
{
	struct compiling compiling = {
		.make = make, .began_ns = clock_monotonic_ns(),
		.excerpt = STRBUF_INIT,
	};
	const struct process_options options = {
		.folder = make->tree, .output_path = make->log_path,
		.on_line = on_make_line, .context = &compiling,
	};
	cleanup_strvec struct strvec argv = STRVEC_INIT;
	struct error cause = ERROR_INIT;
	int code;

	add_environment(&argv);
	strvec_push(&argv, "make");
	strvec_pushf(&argv, "-j%" PRIu32, make->jobs ? make->jobs : count_cpus());
	strvec_pushf(&argv, "CC=%s", make->cc);
	strvec_push(&argv, "vmlinux");
	if (make->with_bzimage)
		strvec_push(&argv, "bzImage");
	progress_update(make->phase, "compiling", 0, make->expected_count,
			UINT64_MAX, NULL);
	code = process_run((const char *const *)argv.items, &options, NULL,
			   &cause);
	*ret_count = compiling.count;
	if (code < 0)
		code = judge(&compiling, code, &cause, err);
	strbuf_release(&compiling.excerpt);
	return code;
}
