/* fake_kernel.c - see fake_kernel.h. */
#include "fake_kernel.h"

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>

#include "clock.h"
#include "files.h"
#include "hash.h"
#include "memory.h"
#include "process.h"
#include "test.h"

static const char makefile[] =
	"VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 9\nEXTRAVERSION =\n"
	"objects := a.o b.o c.o\n"
	"-include extra.mk\n"
	"allnoconfig:\n"
	"\t@while read -r line; do case $$line in CONFIG_*=*) \\\n"
	"\tif grep -qx \"$${line%%=*}\" Kconfig; then echo \"$$line\"; fi;; esac; \\\n"
	"\tdone <$(KCONFIG_ALLCONFIG) >.config.tmp; \\\n"
	"\tif cmp -s .config.tmp .config; then rm .config.tmp; else \\\n"
	"\tmv .config.tmp .config; fi\n"
	"vmlinux: $(objects)\n"
	"\t@echo '  LD      vmlinux'\n"
	"\t@cat $(objects) .config >vmlinux && echo map >System.map\n"
	"bzImage: vmlinux\n"
	"\t@mkdir -p arch/x86/boot && (echo loader; cat vmlinux) >arch/x86/boot/bzImage\n"
	"%.o: %.c include/h.h .config\n"
	"\t@echo '  CC      $@'\n"
	"\t@of() { sed -n \"s/.*$$1: \\([^*]*[^ *]\\).*/\\1/p\" $<; }; \\\n"
	"\tcount=$$(of count); wait=$$(of wait); fail=$$(of fail); \\\n"
	"\tif [ -n \"$$count\" ]; then echo $@ >>$$count; fi; \\\n"
	"\tif [ -n \"$$fail\" ]; then echo \"$<:1:1: error: $$fail\" >&2; exit 1; fi; \\\n"
	"\tcat include/h.h $< >$@; \\\n"
	"\tif [ -n \"$$wait\" ]; then : >$$wait.started; cat $$wait; fi; \\\n"
	"\techo $@ >$(@D)/.$(@F).cmd\n";

const char fake_patch_a[] = "--- a/a.c\n+++ b/a.c\n@@ -1,3 +1,3 @@\n"
			    " first\n-one\n+two\n last\n";
const char fake_patch_a_more[] = "--- a/a.c\n+++ b/a.c\n@@ -1,3 +1,3 @@\n"
				 " first\n-two\n+three\n last\n";
const char fake_patch_header[] = "--- a/include/h.h\n+++ b/include/h.h\n"
				 "@@ -1 +1 @@\n-header\n+changed header\n";

static void make_old(const char *path)
{
	const struct timespec times[2] = {
		{ .tv_sec = time(NULL) - 3600 }, { .tv_sec = time(NULL) - 3600 },
	};

	test_check(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0);
}

void fake_write(const char *folder, const char *name, const char *format, ...)
{
	cleanup_free char *path = path_join(folder, name), *text = NULL;
	cleanup_free char *parent = path_folder(path);
	FILE *file;
	va_list arguments;

	va_start(arguments, format);
	text = string_vformat(format, arguments);
	va_end(arguments);
	test_check(folder_make(parent) == 0);
	/* A new file, not the old one with new content: caches link to it. */
	(void)unlink(path);
	file = fopen(path, "we");
	if (!test_check(file != NULL))
		return;
	test_check(fputs(text, file) >= 0);
	test_check(fclose(file) == 0);
	make_old(path);
}

char *fake_read(const char *folder, const char *name)
{
	cleanup_free char *path = path_join(folder, name);
	char *text;

	return file_read(path, 1 << 20, &text, NULL) == 0 ? text :
							    string_copy("");
}

static void write_source(const char *source)
{
	cleanup_free char *link = path_join(source, "link");

	fake_write(source, "Makefile", "%s", makefile);
	fake_write(source, "Kconfig", "CONFIG_ONE\nCONFIG_TWO\nCONFIG_RANDOMIZE_BASE\n");
	fake_write(source, "a.c", "first\none\nlast\n");
	fake_write(source, "b.c", "b\n");
	fake_write(source, "c.c", "c\n");
	fake_write(source, "include/h.h", "header\n");
	fake_write(source, "docs/deep/text", "text\n");
	test_check(symlink("docs/deep/text", link) == 0);
	make_old(link);
}

static void fill_spec(struct fake *fake)
{
	struct source_spec *source = memory_alloc(sizeof(*source));

	source->kind = SOURCE_DIR;
	source->path = string_copy(fake->source);
	fake->spec = (struct kernel_spec){
		.base = {
			.name = string_copy("fake"),
			.version = string_copy("7.3"),
			.sources = source, .sources_count = 1,
		},
		.cc = string_copy("gcc"),
	};
	fake_write(fake->folder, "wanted.config", "CONFIG_ONE=y\n");
	strvec_pushf(&fake->spec.fragments, "%s/wanted.config", fake->folder);
}

bool fake_open(struct fake *fake)
{
	struct error err = ERROR_INIT;

	*fake = (struct fake){ .folder = string_copy(test_temp_folder()) };
	fake->source = path_join(fake->folder, "source");
	fake->cache_path = path_join(fake->folder, "cache");
	write_source(fake->source);
	fill_spec(fake);
	if (test_check(kernel_cache_open(fake->cache_path, 0, &fake->cache,
					 &err) == 0))
		return true;
	fake_close(fake);
	return false;
}

void fake_reopen(struct fake *fake)
{
	kernel_cache_close(fake->cache);
	fake->cache = NULL;
	test_check(kernel_cache_open(fake->cache_path, 0, &fake->cache, NULL) == 0);
}

void fake_close(struct fake *fake)
{
	kernel_cache_close(fake->cache);
	kernel_spec_release(&fake->spec);
	free(fake->folder);
	free(fake->source);
	free(fake->cache_path);
	*fake = (struct fake){ .folder = NULL };
}

void fake_add_patch(struct fake *fake, const char *series, const char *patch)
{
	cleanup_free char *folder =
		string_format("%s/series/%s", fake->folder, series);

	fake_write(folder, "series", "0001.patch\n");
	fake_write(folder, "0001.patch", "%s", patch);
	strvec_push(&fake->spec.series, folder);
}

void fake_drop_series(struct fake *fake)
{
	strvec_release(&fake->spec.series);
	fake->spec.series = STRVEC_INIT;
}

static void digest_folder(const char *folder, struct sha256 *hash)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;

	test_check(folder_list(folder, &names) == 0);
	for (size_t i = 0; i < names.count; i++) {
		cleanup_free char *path = path_join(folder, names.items[i]);
		char content[SHA256_HEX_SIZE] = "";
		struct stat info;

		if (!test_check(lstat(path, &info) == 0))
			continue;
		if (S_ISDIR(info.st_mode))
			digest_folder(path, hash);
		else if (S_ISREG(info.st_mode))
			test_check(sha256_of_file(path, content) == 0);
		sha256_add_field(hash, path, content);
	}
}

char *fake_digest(const char *folder)
{
	struct sha256 *hash = sha256_new();
	char *digest = memory_alloc(SHA256_HEX_SIZE);

	digest_folder(folder, hash);
	sha256_finish(hash, digest);
	return digest;
}

int fake_build(struct fake *fake, const struct build_options *options,
	       struct built_kernel *ret_kernel, struct error *err)
{
	*err = ERROR_INIT;
	return kernel_build(fake->cache, &fake->spec, options, ret_kernel, err);
}

static json_t *record_of(const struct built_kernel *kernel)
{
	return json_loads(kernel->record, 0, NULL);
}

long fake_record_number(const struct built_kernel *kernel, const char *name)
{
	json_t *record = record_of(kernel), *value = json_object_get(record, name);
	long number = json_is_integer(value) ? (long)json_integer_value(value) : -1;

	json_decref(record);
	return number;
}

char *fake_record_text(const struct built_kernel *kernel, const char *name)
{
	json_t *record = record_of(kernel);
	const char *text = json_string_value(json_object_get(record, name));
	char *copy = string_copy(text ? text : "(none)");

	json_decref(record);
	return copy;
}

static void drop_line(void *context, const char *line)
{
	(void)context;
	(void)line;
}

bool fake_run(const char *folder, const char *const *argv)
{
	const struct process_options options = {
		.folder = folder, .on_line = drop_line,
	};
	struct error err = ERROR_INIT;

	if (process_run(argv, &options, NULL, &err) == 0)
		return true;
	fprintf(stderr, "%s\n", err.message);
	return false;
}

bool fake_wait_for(const char *path)
{
	uint64_t deadline_ns = clock_monotonic_ns() + 20 * NS_PER_SECOND;
	cleanup_free char *folder = path_folder(path);
	cleanup_close int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct pollfd poll_fd = { .fd = watch, .events = POLLIN };
	char events[4096];

	if (watch < 0 || inotify_add_watch(watch, folder, IN_CREATE | IN_MOVED_TO) < 0)
		return false;
	while (!path_exists(path)) {
		if (clock_monotonic_ns() > deadline_ns)
			return false;
		(void)poll(&poll_fd, 1, 1000);
		(void)!read(watch, events, sizeof(events));
	}
	return true;
}
