/* kernel_source_private.h - shared by kernel_source*.c only. */
#ifndef KERNGATE_HOST_KERNEL_SOURCE_PRIVATE_H
#define KERNGATE_HOST_KERNEL_SOURCE_PRIVATE_H

#include "kernel_source.h"
#include "strbuf.h"

struct source_job {
	const struct source_spec *source;
	const char *phase;     /* for progress */
	const char *folder;    /* to work in */
	const char *previous;  /* or NULL */
	char *tree;            /* folder/tree, to be made; owned by the caller */
};

/* Each fills location, identity and detail of record. */
int source_fetch_debian(const struct source_job *job,
			struct source_record *record, struct error *err) must_check;
/* The version that would be fetched. folder: to work in. */
int source_resolve_debian(const struct source_spec *source, const char *folder,
			  char **ret_version, struct error *err) must_check;
/* "commit:..." likewise */
int source_resolve_git(const struct source_spec *source, const char *folder,
		       char **ret_identity, struct error *err) must_check;
int source_fetch_git(const struct source_job *job,
		     struct source_record *record, struct error *err) must_check;
int source_fetch_tarball(const struct source_job *job,
			 struct source_record *record, struct error *err) must_check;
int source_fetch_dir(const struct source_job *job,
		     struct source_record *record, struct error *err) must_check;

/* git in a folder, untouched by the caller's own git variables. ret_output (owned)
 * may be NULL. */
int source_run_git(const char *folder, const char *const *words,
		   char **ret_output, struct error *err) must_check;
/* Appends the files and links below root/below, without what a build leaves. */
int source_walk_folder(const char *root, const char *below,
		       struct strvec *ret_names, struct error *err) must_check;

/* Adds every file that a copy of the folder would take to the hash. */
int source_dir_hash(const char *path, struct sha256 *hash,
		    struct error *err) must_check;

/* Unpacks an archive (see unpack.h) with progress and makes the one folder in
 * it (or all of it, if a Makefile lies on top) the job's tree. */
int source_unpack(const struct source_job *job, const char *archive,
		  const char *const *inside, struct error *err) must_check;

#endif
