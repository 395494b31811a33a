/* kernel_builder.h - kernel specs > built kernels, through one cache for all
 * clones and runs of a user.
 *
 * The cache folder holds
 *     sources/KEY/tree        pristine source, never written after unpacking
 *     sources/KEY/source.json what was used (version, checksum, where from)
 *     trees/KEY/tree          source (hard-linked to sources/, patched files
 *                             apart) with its objects: the next variant of the
 *                             base is cloned from the nearest of them
 *     trees/KEY/tree.json     what it was made from
 *     kernels/KEY/            vmlinux, config, System.map, kernel.json, build.log; of
 *                             a kernel with CONFIG_RANDOMIZE_BASE also bzImage, whose
 *                             loader is what moves it
 *     build/, fetch/          of the builder at work: always the same paths, since
 *                             a build's commands hold them
 *     logs/KEY.log            of a build that failed
 *     locks/, lock, build.lock, trash/: see kernel_cache.h
 */
#ifndef KERNGATE_ENGINE_KERNEL_BUILDER_H
#define KERNGATE_ENGINE_KERNEL_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "hash.h"
#include "kernel_spec.h"

struct kernel_cache;

/* path NULL: $XDG_CACHE_HOME/kerngate or ~/.cache/kerngate. max_bytes 0: the
 * default of 20 GiB; the least recently used trees, then kernels, then sources
 * that nobody uses are removed when a build would pass it. */
int kernel_cache_open(const char *path, uint64_t max_bytes,
		      struct kernel_cache **ret_cache, struct error *err) must_check;
void kernel_cache_close(struct kernel_cache *cache); /* NULL allowed */
const char *kernel_cache_path(const struct kernel_cache *cache);

struct built_kernel {
	char key[SHA256_HEX_SIZE];          /* of the spec */
	char image_sha256[SHA256_HEX_SIZE]; /* of vmlinux */
	char *folder;                       /* kernels/KEY; owned */
	char *image_path;                   /* vmlinux; owned */
	char *bzimage_path;                 /* owned; NULL without CONFIG_RANDOMIZE_BASE */
	char *config_text;                  /* final .config; owned */
	char *release;                      /* "7.3.4"; owned */
	char *record;                       /* kernel.json's text; owned */
	bool was_cached;
	uint64_t build_ns;                  /* 0 if cached */
};

/* What a guest boots: bzImage where its loader is to move the kernel, else
 * vmlinux; borrowed. NULL where there is no bzImage. */
const char *built_kernel_boot_path(const struct built_kernel *kernel, bool moves);
void built_kernel_release(struct built_kernel *kernel);

/* SHA-256 over base (name, version, sources as listed), contents of all patches
 * and fragments in order, toolchain (first line of `CC --version`, `ld
 * --version`) and the builder's own format number. Reads the files; builds
 * nothing. Where it was cloned from does not enter. */
int kernel_spec_key(const struct kernel_spec *spec, char ret_key[SHA256_HEX_SIZE],
		    struct error *err) must_check;

/* Whether the cache has it (then *ret_kernel is filled) or not (-ENOENT). */
int kernel_find(struct kernel_cache *cache, const struct kernel_spec *spec,
		struct built_kernel *ret_kernel, struct error *err) must_check;

struct build_options {
	uint32_t jobs;       /* 0: number of CPUs */
	bool rebuild;        /* even if cached (reproducibility is checked: a
				different image is -EBADMSG) */
	bool from_scratch;   /* do not clone another variant's objects */
	const char *label;   /* for progress, e.g. "stock" */
};

/* Fetches, unpacks, patches, configures, checks the .config, builds, installs
 * into the cache. Two processes that build the same key do it once.
 * Errors name what failed: source (each one tried), patch + file + hunk,
 * option dropped by Kconfig, or the last compiler error with the log's path. */
int kernel_build(struct kernel_cache *cache, const struct kernel_spec *spec,
		 const struct build_options *options,
		 struct built_kernel *ret_kernel, struct error *err) must_check;

struct cache_entry {
	char *kind;          /* "source", "tree", "kernel"; owned */
	char *key;           /* owned */
	char *description;   /* "linux-7.3 + pe-on, 7.3.4"; owned */
	uint64_t bytes;      /* on disk, shared blocks counted once */
	uint64_t used_wall_ns; /* last use */
	bool in_use;
};

int kernel_cache_list(struct kernel_cache *cache, struct cache_entry **ret_items,
		      size_t *ret_count, struct error *err) must_check;
void cache_entries_free(struct cache_entry *items, size_t count);
/* Removes least recently used entries until at most max_bytes are left (0:
 * all that is not in use). */
int kernel_cache_prune(struct kernel_cache *cache, uint64_t max_bytes,
		       uint64_t *ret_freed_bytes, struct error *err) must_check;

#endif
