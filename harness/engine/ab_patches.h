/* ab_patches.h - patches as maintainers have them > a series: a folder (quilt `series`,
 * or *.patch and *.diff in order of name), a mailbox (a thread as lore serves it, what
 * b4 am writes; also compressed, a Maildir, or a single patch), or a range of commits.
 *
 * What is kept of a patch is its subject and its diff, so that the same changes are the
 * same kernel whichever way they came.
 */
#ifndef KERNGATE_ENGINE_AB_PATCHES_H
#define KERNGATE_ENGINE_AB_PATCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct ab_patch {
	char *subject;           /* in one line, without "[PATCH 1/2]"; owned */
	char *diff;              /* as patch_text_diff gives it; owned */
};

struct ab_set {
	char *source;            /* as it was said; owned */
	char *name;              /* of that: a name as config files have them; owned */
	char *title;             /* of its cover letter; owned; NULL: none */
	char *note;              /* what to know of the choice; owned; NULL: nothing */
	uint32_t version;        /* that its mails say; 1: none */
	char *repository, *first_commit; /* of a range: what it begins after; owned; NULL */
	struct ab_patch *items; size_t count; /* owned */
};

void ab_set_release(struct ab_set *set);
/* scratch: an empty folder for what git writes. The error says what of the source is
 * wrong and what was expected. */
int ab_set_load(const char *source, const char *scratch, struct ab_set *ret_set,
		struct error *err) must_check;
/* Writes the folder with its `series` file and NNNN-subject.patch. */
int ab_set_save(const struct ab_set *set, const char *folder, struct error *err) must_check;

/* --- between ab_patches.c, ab_mail.c and ab_range.c only --- */

#define AB_BYTES_MAX (64u << 20) /* of a mailbox, or a patch */

/* Takes over both texts. */
void ab_set_add(struct ab_set *set, char *subject, char *diff);
/* One mail in a file. is_whole: the subject as it is, tags and all. */
int ab_mail_read(const char *path, const char *scratch, bool is_whole, char **ret_subject,
		 char **ret_diff, struct error *err) must_check;
int ab_mailbox_load(const char *path, const char *scratch, struct ab_set *set,
		    struct error *err) must_check;
/* repository:from..to; only "from..to": of the working directory's repository. */
int ab_range_load(const char *source, const char *scratch, struct ab_set *set,
		  struct error *err) must_check;
/* One line that JSON can hold; owned. */
char *ab_line_of(const char *text);
/* "My_Series v2" > "my_series-v2": a name, at most 40 long; owned. */
char *ab_name_of(const char *text);

#endif
