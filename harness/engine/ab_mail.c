/* ab_mail.c - mailboxes: git splits them (git mailsplit) and reads each mail (git
 * mailinfo: encodings, attachments, format=flowed, encoded subjects); which mails are
 * the series is decided in mail_series.c.
 */
#include <errno.h>
#include <string.h>

#include "ab_patches.h"
#include "file_unpacked.h"
#include "files.h"
#include "git_run.h"
#include "log.h"
#include "mail_series.h"
#include "memory.h"
#include "patch_text.h"

#define MAILS_MAX 2000

/* --- one mail ---------------------------------------------------------------------------- */

/* "Subject: ..." of what mailinfo prints; owned; "" without. */
static char *info_subject(const char *info)
{
	static const char field[] = "Subject: ";

	for (const char *line = info; *line;) {
		size_t length = strcspn(line, "\n");

		if (!strncmp(line, field, strlen(field)))
			return string_copy_n(line + strlen(field), length - strlen(field));
		line += length + (line[length] == '\n');
	}
	return string_copy("");
}

int ab_mail_read(const char *path, const char *scratch, bool is_whole, char **ret_subject,
		 char **ret_diff, struct error *err)
{
	const char *const whole[] = { "mailinfo", "--encoding=UTF-8", "--quoted-cr=strip", "-k",
				      "--no-inbody-headers", "mail.message", "mail.patch", NULL };
	const char *const usual[] = { "mailinfo", "--encoding=UTF-8", "--quoted-cr=strip",
				      "mail.message", "mail.patch", NULL };
	const struct git_request request = { .folder = scratch, .input_path = path,
					     .words = is_whole ? whole : usual,
					     .is_alone = true };
	cleanup_free char *output = path_join(scratch, "mail.patch"), *info = NULL, *text = NULL;
	struct strbuf diff = STRBUF_INIT;
	size_t length;
	int code = git_run(&request, &info, err);

	if (!code) {
		code = file_read(output, AB_BYTES_MAX, &text, &length);
		if (code)
			error_set_errno(err, code, "%s", output);
	}
	if (!code && strlen(text) != length)
		code = error_set(err, -EINVAL, "a NUL character in the patch");
	if (code)
		return error_prefix(err, "%s", path);
	patch_text_diff(text, &diff);
	*ret_subject = info_subject(info);
	*ret_diff = strbuf_detach(&diff);
	return 0;
}

/* --- a mailbox ---------------------------------------------------------------------------- */

struct mailbox {
	struct strvec paths;          /* of the mails, in their order */
	struct strvec subjects, diffs;
	struct series_mail *mails;    /* of these; owned */
};

static void mailbox_release(struct mailbox *box)
{
	strvec_release(&box->paths);
	strvec_release(&box->subjects);
	strvec_release(&box->diffs);
	free(box->mails);
}

/* A Maildir is split as it lies there; a file may be compressed. */
static int put_mailbox(const char *path, const char *scratch, char **ret_path,
		       struct error *err)
{
	cleanup_free char *data = NULL, *copy = path_join(scratch, "mailbox");
	size_t length;
	int code;

	if (path_is_folder(path)) {
		*ret_path = string_copy(path);
		return 0;
	}
	code = file_read_unpacked(path, AB_BYTES_MAX, &data, &length, err);
	if (code)
		return code;
	if (!length)
		return error_set(err, -EINVAL, "%s: empty: expected a mailbox or a patch", path);
	code = file_write_atomic(copy, data, length, 0600);
	if (code)
		return error_set_errno(err, code, "%s", copy);
	*ret_path = take_pointer(copy);
	return 0;
}

static int split(const char *path, const char *scratch, struct mailbox *box, struct error *err)
{
	cleanup_free char *folder = path_join(scratch, "mails"), *mailbox = NULL;
	cleanup_free char *option = string_format("-o%s", folder);
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int code = put_mailbox(path, scratch, &mailbox, err);

	if (!code) {
		const char *const words[] = { "mailsplit", "-d6", "-b", option, "--", mailbox,
					      NULL };
		const struct git_request request = { .folder = scratch, .words = words,
						     .is_alone = true };

		code = folder_make(folder);
		if (code)
			return error_set_errno(err, code, "%s", folder);
		code = git_run(&request, NULL, err);
		if (code)
			return error_prefix(err, "%s: no mailbox", path);
	}
	if (!code) {
		code = folder_list(folder, &names);
		if (code)
			error_set_errno(err, code, "%s", folder);
	}
	if (!code && names.count > MAILS_MAX)
		code = error_set(err, -E2BIG, "%s: %zu mails: expected the thread of one series, "
				 "at most %d", path, names.count, MAILS_MAX);
	for (size_t i = 0; !code && i < names.count; i++) {
		cleanup_free char *mail = path_join(folder, names.items[i]);

		strvec_push(&box->paths, mail);
	}
	return code;
}

static void read_mails(const char *path, const char *scratch, struct mailbox *box)
{
	size_t count = box->paths.count;

	for (size_t i = 0; i < count; i++) {
		cleanup_free char *subject = NULL, *diff = NULL;
		struct error cause = ERROR_INIT;

		/* not every mail of a thread must be one that git can read */
		if (ab_mail_read(box->paths.items[i], scratch, true, &subject, &diff, &cause))
			log_warning("%s: mail %zu is passed over: %s", path, i + 1, cause.message);
		strvec_push(&box->subjects, subject ? subject : "");
		strvec_push(&box->diffs, diff ? diff : "");
	}
	box->mails = memory_alloc_array(count, sizeof(*box->mails));
	for (size_t i = 0; i < count; i++)
		box->mails[i] = (struct series_mail){ .subject = box->subjects.items[i],
						      .diff = box->diffs.items[i] };
}

/* A patch with no subject of a mail at all: a diff in a file. */
static bool is_bare(const struct mailbox *box)
{
	return box->paths.count == 1 && !*box->subjects.items[0];
}

static int take_bare(const char *path, const struct mailbox *box, struct ab_set *set,
		     struct error *err)
{
	cleanup_free char *text = NULL;
	cleanup_strbuf struct strbuf diff = STRBUF_INIT;
	size_t length;
	int code = file_read(box->paths.items[0], AB_BYTES_MAX, &text, &length);

	if (code)
		return error_set_errno(err, code, "%s", box->paths.items[0]);
	if (strlen(text) == length)
		patch_text_diff(text, &diff);
	if (!diff.length)
		return error_set(err, -EINVAL, "%s: neither a mailbox nor a patch", path);
	ab_set_add(set, string_copy(path_base_name(path)), strbuf_detach(&diff));
	diff = STRBUF_INIT;
	return 0;
}

static int take_series(const struct mailbox *box, const struct mail_series *series,
		       const char *scratch, struct ab_set *set, struct error *err)
{
	struct mail_tag tag;
	int code = 0;

	if (series->cover != SIZE_MAX) {
		mail_tag_parse(box->mails[series->cover].subject, &tag);
		/* as git format-patch leaves it to be written: "*** SUBJECT HERE ***" */
		if (*tag.title && strncmp(tag.title, "***", 3) != 0)
			set->title = ab_line_of(tag.title);
	}
	set->version = series->version;
	set->note = string_copy(series->note);
	for (size_t i = 0; !code && i < series->count; i++) {
		char *subject = NULL, *diff = NULL;

		code = ab_mail_read(box->paths.items[series->mails[i]], scratch, false, &subject,
				    &diff, err);
		if (!code)
			ab_set_add(set, subject, diff);
	}
	return code;
}

int ab_mailbox_load(const char *path, const char *scratch, struct ab_set *set,
		    struct error *err)
{
	cleanup_with(mailbox_release) struct mailbox box = { .mails = NULL };
	cleanup_with(mail_series_release) struct mail_series series = { .mails = NULL };
	int code = split(path, scratch, &box, err);

	if (code)
		return code;
	read_mails(path, scratch, &box);
	if (is_bare(&box))
		return take_bare(path, &box, set, err);
	code = mail_series_choose(box.mails, box.paths.count, &series, err);
	if (code)
		return error_prefix(err, "%s", path);
	return take_series(&box, &series, scratch, set, err);
}
