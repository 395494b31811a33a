/* kernel_tree.h - the tree that a kernel is built in: cloned from the nearest
 * one that was built before, so that Kbuild's own dependency files decide what
 * to compile.
 *
 * What makes that sound:
 * - Source files are hard links to the pristine source; everything that a build
 *   or a patch wrote is a file of its own in every tree. Kbuild rewrites files
 *   in place (its .cmd files), so no object is ever shared.
 * - Times are kept, and what differs from the donor's content gets a time later
 *   than any of the donor's objects.
 * - Every build sees its tree under the same path (CACHE/build/tree): the
 *   commands of tools/objtool hold absolute paths, and every object depends on
 *   objtool.
 */
#ifndef KERNGATE_ENGINE_KERNEL_TREE_H
#define KERNGATE_ENGINE_KERNEL_TREE_H

#include "kernel_cache.h"
#include "kernel_patches.h"
#include "kernel_records.h"

/* What the tree to build is to be. */
struct tree_wish {
	const char *key;                 /* of the kernel spec */
	const struct source_info *source;
	const char *base_name;
	const char *description;
	const char *toolchain;
	const char *requests;            /* merged fragments as one text */
	const struct patched_files *patched;
	bool ignore_own;                 /* not from a tree of the same key */
	const char *phase;               /* for progress */
};

struct tree_made {
	char donor_key[SHA256_HEX_SIZE]; /* "" if made from the source alone */
	uint64_t donor_objects;
	/* Files whose content differs from the donor's; wide: a header, the
	 * configuration or the build system is among them. */
	size_t changed_count;
	bool is_wide;
};

/* Makes folder/tree (folder exists, tree does not): clones the nearest usable
 * tree (from_scratch: none), then puts the patched files in. */
int kernel_tree_make(struct kernel_cache *cache, const struct tree_wish *wish,
		     bool from_scratch, const char *folder,
		     struct tree_made *ret_made, struct error *err) must_check;

/* Stores folder (with folder/tree, built or partly built) as trees/KEY. After
 * an interruption, what may be half written is removed first. */
enum tree_state { TREE_COMPLETE, TREE_PARTIAL, TREE_INTERRUPTED };
int kernel_tree_store(struct kernel_cache *cache, const struct tree_wish *wish,
		      enum tree_state state, const char *folder,
		      struct error *err) must_check;

/* --- parts, for the tests --------------------------------------------------- */

struct tree_clone {
	const char *donor;         /* tree to clone */
	const char *donor_source;  /* pristine tree that it was linked to */
	const json_t *donor_patched; /* names that the donor's patches touch; NULL: none */
	const char *source;        /* pristine tree of the clone */
	const char *to;            /* made */
	uint64_t source_newest_ns; /* -EUCLEAN if a source file is newer */
	uint64_t now_ns;           /* time of files that the sources differ in */
};

int kernel_tree_clone(const struct tree_clone *clone,
		      struct error *err) must_check;

#endif
