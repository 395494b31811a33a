/* kernel_spec.h - what a kernel is built from, as data: base + ordered patch
 * series + config fragments + toolchain. Knows no file system beyond paths.
 */
#ifndef KERNGATE_MODEL_KERNEL_SPEC_H
#define KERNGATE_MODEL_KERNEL_SPEC_H

#include <stdbool.h>

#include "error.h"
#include "strbuf.h"

enum source_kind {
	SOURCE_DEBIAN,  /* package, suite: by apt, verified by apt's signatures */
	SOURCE_GIT,     /* url, ref (tag, branch or commit) */
	SOURCE_TARBALL, /* location (path or URL), sha256 (64 hex digits) */
	SOURCE_DIR,     /* path of an unpacked tree */
};

const char *source_kind_name(enum source_kind kind); /* "debian", "git", ... */

struct source_spec {
	enum source_kind kind;
	char *package, *suite;     /* debian; owned */
	char *package_version;     /* debian: exactly that one; owned; NULL: the newest */
	char *url, *ref;           /* git; owned */
	char *location, *sha256;   /* tarball; owned */
	char *path;                /* dir; owned, absolute */
};

/* kernel/bases/NAME.yaml */
struct kernel_base {
	char *name;                /* owned */
	char *version;             /* what its Makefile must say, e.g. "7.3";
				      a prefix of VERSION.PATCHLEVEL.SUBLEVEL */
	struct source_spec *sources; /* owned; tried in order */
	size_t sources_count;
	bool is_pinned;            /* a source says more than the file: which commit, or
				      version, it is by now */
};

/* A kernel as a campaign names it. Names refer to kernel/bases/NAME.yaml,
 * kernel/series/NAME/series and kernel/fragments/NAME.config; a name with a
 * slash is a path against the file that says it. */
struct kernel_spec {
	struct kernel_base base;    /* owned */
	struct strvec series;       /* absolute folders holding a `series` file;
				       "FOLDER@N": only its first N patches */
	struct strvec fragments;    /* absolute paths, in merge order */
	char *cc;                   /* compiler command, default "gcc"; owned */
};

void source_spec_release(struct source_spec *source);
void kernel_base_release(struct kernel_base *base);
void kernel_spec_release(struct kernel_spec *spec);
void kernel_spec_copy(struct kernel_spec *to, const struct kernel_spec *from);

/* "x/proxy-exec@5" > "x/proxy-exec" (owned) and 5; without "@N" behind the last
 * slash, the text as it is and SIZE_MAX: all patches. */
char *series_split(const char *series, size_t *ret_patches_max);

/* Reads a quilt `series` file's text: one patch name a line, `#` comments,
 * options after the name ("-p1" only) allowed. Fails with -EINVAL, naming
 * file_name and line, on other options, absolute names, "..", duplicates. */
int patch_series_parse(const char *file_name, const char *text,
		       struct strvec *ret_patches, struct error *err) must_check;

/* One requested option of a config fragment. */
struct config_request {
	char *option;  /* "CONFIG_SMP"; owned */
	char *value;   /* "y", "n" (not set), "64", "\"text\""; owned */
	char *origin;  /* "vm.config:12"; owned */
};

struct config_requests {
	struct config_request *items; /* owned */
	size_t count;
};

#define CONFIG_REQUESTS_INIT ((struct config_requests){ .items = NULL })

/* Adds the options of a fragment; a later request for an option replaces an
 * earlier one (its origin too). -EINVAL with file and line on anything but
 * CONFIG_X=value, "# CONFIG_X is not set", comments and blank lines. */
int config_requests_add(struct config_requests *requests, const char *file_name,
			const char *text, struct error *err) must_check;
void config_requests_release(struct config_requests *requests);
/* Value of an option in the text of a final .config: "n" where absent or not
 * set. Owned by the caller. */
char *config_text_value(const char *config_text, const char *option);
/* Compares requests with the final .config: 0, or -EINVAL with every option
 * that Kconfig dropped or changed, where it was asked for, and what it is. */
int config_requests_check(const struct config_requests *requests,
			  const char *config_text, struct error *err) must_check;

#endif
