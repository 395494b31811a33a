/* kernel_records.h - the JSON files that describe the entries of the kernel
 * cache: source.json, tree.json, kernel.json.
 */
#ifndef KERNGATE_ENGINE_KERNEL_RECORDS_H
#define KERNGATE_ENGINE_KERNEL_RECORDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "kernel_source.h"

static inline void cleanup_decref_(json_t **json)
{
	json_decref(*json);
}

#define cleanup_json cleanup_with(cleanup_decref_)

/* -EBADMSG if it is no JSON object; -ENOENT and others. */
int record_load(const char *folder, const char *name, json_t **ret_record,
		struct error *err) must_check;
int record_save(const char *folder, const char *name, const json_t *record,
		struct error *err) must_check;
/* Values of an object; "" or 0 where absent or of another type. Borrowed. */
const char *record_text(const json_t *record, const char *name);
uint64_t record_number(const json_t *record, const char *name);

/* A pristine source in the cache. */
struct source_info {
	char key[SHA256_HEX_SIZE];
	char *instance;           /* differs after every fetch; owned */
	char *tree;               /* its folder; owned */
	uint64_t newest_ns;       /* no file in it is newer */
	uint64_t bytes;
	struct source_record record;
};

void source_info_release(struct source_info *source);
int source_info_load(const char *folder, const char *key,
		     struct source_info *ret_source, struct error *err) must_check;
int source_info_save(const char *folder, const char *description,
		     const struct source_info *source,
		     struct error *err) must_check;
/* The part of kernel.json that says what was used; a new reference. */
json_t *source_info_json(const struct source_info *source);

/* A tree with objects, to be cloned from. */
struct tree_info {
	char key[SHA256_HEX_SIZE]; /* of the kernel spec */
	char *folder;              /* the entry; owned */
	char *base_name;           /* owned */
	char *description;         /* owned */
	char source_key[SHA256_HEX_SIZE];
	char *source_instance;     /* owned */
	char *toolchain;           /* owned */
	char *requests;            /* text of the merged fragments; owned */
	json_t *patched;           /* path > digest of its content; a reference */
	bool is_complete;          /* the build went to its end */
	uint64_t objects_count;
	uint64_t newest_ns;        /* no file in it is newer */
	uint64_t bytes;            /* that are its own, not its source's */
	uint64_t stored_ns;        /* when */
};

void tree_info_release(struct tree_info *tree);
int tree_info_load(const char *folder, const char *key,
		   struct tree_info *ret_tree, struct error *err) must_check;
int tree_info_save(const struct tree_info *tree, struct error *err) must_check;

#endif
