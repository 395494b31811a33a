/* kernel_source.h - gets one kernel source tree from where a base says it is:
 * Debian's archive, git, a tarball, a folder. Knows no cache.
 */
#ifndef KERNGATE_HOST_KERNEL_SOURCE_H
#define KERNGATE_HOST_KERNEL_SOURCE_H

#include "error.h"
#include "hash.h"
#include "kernel_spec.h"

/* What a source turned out to be. */
struct source_record {
	enum source_kind kind;
	char *version;   /* of its Makefile: "7.3.4"; owned */
	char *location;  /* where from: URL or path; owned */
	char *identity;  /* "sha256:...", "commit:..." or "listing:..."; owned */
	char *detail;    /* package version, ref or ""; owned */
};

void source_record_release(struct source_record *record);

/* "debian trixie-backports linux-source-7.3", "git URL REF": for people; owned. */
char *kernel_source_describe(const struct source_spec *source);

/* Key of what the spec names. For SOURCE_DIR it covers name, size and time of
 * every file, so that an edited folder is another source (-ENOENT and others
 * where it cannot be read); for the rest only the spec. */
int kernel_source_key(const struct source_spec *source,
		      char ret_key[SHA256_HEX_SIZE], struct error *err) must_check;

/* Fetches into folder/tree (folder exists, tree does not), verifies, checks
 * that the Makefile says version (a prefix: "7.3" fits 7.3.4, not 7.30.1).
 * phase: for progress. previous: a tree of an earlier fetch, of which unchanged
 * files of a SOURCE_DIR are hard-linked instead of copied; may be NULL. What is
 * left in folder after a failure is for the caller to remove. Blocks for
 * minutes; -ECANCELED after process_cancel_all. */
int kernel_source_fetch(const struct source_spec *source, const char *version,
			const char *phase, const char *folder,
			const char *previous, struct source_record *ret_record,
			struct error *err) must_check;

/* What would be fetched now: "commit:..." of a git ref, the version of a Debian package;
 * owned. folder: an empty one to work in. Asks where the source comes from.
 * -EOPNOTSUPP: of a tarball or a folder the spec says all. */
int kernel_source_resolve(const struct source_spec *source, const char *folder,
			  char **ret_identity, struct error *err) must_check;

/* VERSION.PATCHLEVEL.SUBLEVEL of a tree's Makefile with EXTRAVERSION appended;
 * owned. -EINVAL if it has none. */
int kernel_source_version(const char *tree, char **ret_version,
			  struct error *err) must_check;

#endif
