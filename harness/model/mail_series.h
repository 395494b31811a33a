/* mail_series.h - which mails of a mailbox are the patches of a series, and in which
 * order: what subjects such as "[PATCH net-next v3 04/12] net: ..." say. Pure; mail
 * itself is read by git.
 */
#ifndef KERNGATE_MODEL_MAIL_SERIES_H
#define KERNGATE_MODEL_MAIL_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define MAIL_SERIES_MAX 1000u /* patches of a series */

struct series_mail {
	const char *subject;     /* decoded, in one line; borrowed */
	const char *diff;        /* "": the mail has none; borrowed */
};

/* What stands in the brackets before a subject. */
struct mail_tag {
	bool is_patch;           /* one of them says PATCH, RFC or N/M */
	bool is_resend;
	uint32_t version, revision; /* "v3" > 3, 0; "v3.1" > 3, 1; without: 1, 0 */
	uint32_t number, total;  /* of "4/12"; 0, 0 without; a cover letter is 0/12 */
	const char *title;       /* what follows them; borrowed from the subject */
};

void mail_tag_parse(const char *subject, struct mail_tag *ret_tag);
/* Whether the subject is that of an answer ("Re: ..."). */
bool mail_is_answer(const char *subject);

struct mail_series {
	size_t *mails; size_t count; /* indexes, in the order of application; owned */
	size_t cover;            /* index of its cover letter; SIZE_MAX: none */
	uint32_t version, revision;
	bool is_numbered;
	char *note;              /* what else was there; owned; NULL: nothing */
};

void mail_series_release(struct mail_series *series);
/* The newest version of which every patch is there; of mails without a number those
 * that have a diff, in their order; of mails without a tag likewise. Answers are
 * never patches. -ENOENT: there is none; -ENODATA: patches are missing in all (the
 * newest's are named); -EEXIST: two different patches have one number. */
int mail_series_choose(const struct series_mail *mails, size_t count,
		       struct mail_series *ret_series, struct error *err) must_check;

#endif
