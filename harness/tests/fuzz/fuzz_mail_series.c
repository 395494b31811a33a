/* fuzz_mail_series.c - subjects of any kind: each line is a mail, "SUBJECT", a tab and
 * its diff. What is chosen is in the mailbox, each mail once, and has a diff.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mail_series.h"
#include "strbuf.h"

#define MAILS_MAX 256

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct series_mail *mails, size_t count)
{
	struct mail_series series = { .mails = NULL };
	bool taken[MAILS_MAX] = { false };
	struct error err = ERROR_INIT;

	if (mail_series_choose(mails, count, &series, &err)) {
		require(err.code < 0 && err.message[0] && !series.mails);
		return;
	}
	require(series.count > 0 && series.count <= count && series.version > 0);
	for (size_t i = 0; i < series.count; i++) {
		require(series.mails[i] < count && !taken[series.mails[i]]);
		require(*mails[series.mails[i]].diff);
		require(!mail_is_answer(mails[series.mails[i]].subject));
		taken[series.mails[i]] = true;
	}
	require(series.cover == SIZE_MAX || (series.cover < count && !taken[series.cover]));
	mail_series_release(&series);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct series_mail mails[MAILS_MAX];
	char *text = malloc(size + 1), *rest = text, *line;
	size_t count = 0;

	require(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	while (count < MAILS_MAX && (line = strsep(&rest, "\n"))) {
		char *subject = strsep(&line, "\t");

		mails[count++] = (struct series_mail){ .subject = subject,
						       .diff = line ? line : "" };
	}
	check(mails, count);
	free(text);
	return 0;
}
