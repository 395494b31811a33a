/* campaign_file.h - parts of campaign files that the program writes for itself: JSON,
 * which is YAML, in the form that docs/configs.md describes. So their runs can be
 * resumed, compared and replayed as any. All return new references.
 */
#ifndef KERNGATE_ENGINE_CAMPAIGN_FILE_H
#define KERNGATE_ENGINE_CAMPAIGN_FILE_H

#include <jansson.h>

#include "campaign.h"
#include "error.h"

json_t *campaign_file_texts(const struct strvec *texts);
json_t *campaign_file_gate(const struct gate_policy *gate);
/* `mode`, and what the modes do not have in common, as `from` has it but for the number
 * of blocks (seeds) and, in exact mode, the first seed. */
void campaign_file_add_mode(const struct campaign *from, uint32_t blocks_count,
			    uint64_t first_seed, json_t *campaign);
/* Writes folder/NAME.yaml (the folder is made) and loads it as campaign_load does. */
int campaign_file_save(const char *project_root, const char *folder, const char *name,
		       const json_t *campaign, struct campaign *ret_campaign,
		       struct error *err) must_check;

/* The reference of a word from the command line: a path counts from the working
 * directory; owned. */
char *campaign_file_said(const char *text);
/* "base,vm" > references, appended. */
void campaign_file_said_list(const char *text, struct strvec *ret);
/* The name of FOLDER/NAME + suffix of the project, else the path; owned. */
char *campaign_file_reference(const char *project_root, const char *folder,
			      const char *suffix, const char *path);

/* Writes folder/NAME.yaml, a kernel base with one source: a commit of a repository, or
 * (ref NULL) an unpacked tree. name NULL: "linux-" and the version, which is read from
 * the source's Makefile. *ret_path (owned) is the file. */
int kernel_base_file_save(const char *folder, const char *name, const char *place,
			  const char *ref, char **ret_path, struct error *err) must_check;

#endif
