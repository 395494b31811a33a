/* run_store_index.c - see run_store_index.h. */
#include "run_store_index.h"

#include <errno.h>
#include <string.h>

#include "memory.h"
#include "run_store_nights.h"
#include "run_store_private.h"
#include "verdict.h"

void stored_run_lines_free(struct stored_run_line *lines, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(lines[i].id);
		free(lines[i].campaign);
		free(lines[i].state);
		free(lines[i].note);
		free(lines[i].baseline);
	}
	free(lines);
}

int run_store_run_lines(struct run_store *store, struct stored_run_line **ret_lines,
			size_t *ret_count, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	struct stored_run_line *lines = NULL;
	size_t count = 0, room = 0;
	int rc = statement_prepare(store,
		"SELECT r.run, r.id, r.campaign, r.state, r.note, v.label, r.mode = 'exact',"
		" r.started_wall_ns, r.finished_wall_ns, r.gate FROM runs r"
		" LEFT JOIN variants v ON v.run = r.run AND v.variant = r.baseline"
		" ORDER BY r.run DESC", &st, err);

	if (rc)
		return rc;
	while ((rc = statement_step(&st, err)) > 0) {
		if (count == room) {
			room = room ? 2 * room : 64;
			lines = memory_realloc_array(lines, room, sizeof(*lines));
		}
		lines[count++] = (struct stored_run_line){
			.run = statement_integer(&st, 0),
			.id = statement_text(&st, 1),
			.campaign = statement_text(&st, 2),
			.state = statement_text(&st, 3),
			.note = statement_text(&st, 4),
			.baseline = statement_text(&st, 5),
			.mode = statement_integer(&st, 6) ? MODE_EXACT : MODE_TIMED,
			.started_wall_ns = (uint64_t)statement_integer(&st, 7),
			.finished_wall_ns = (uint64_t)statement_integer(&st, 8),
			.gate = statement_is_null(&st, 9) ? -1 : (int)statement_integer(&st, 9),
		};
	}
	if (rc) {
		stored_run_lines_free(lines, count);
		return rc;
	}
	*ret_lines = lines;
	*ret_count = count;
	return 0;
}

static int parse_verdict(struct run_store *store, const char *text, int *ret_verdict,
			 struct error *err)
{
	if (!strcmp(text, RUN_STORE_WITHHELD)) {
		*ret_verdict = -1;
		return 0;
	}
	for (int i = 0; i <= VERDICT_NOT_COMPARABLE; i++) {
		if (!strcmp(text, verdict_name((enum verdict)i))) {
			*ret_verdict = i;
			return 0;
		}
	}
	return error_set(err, -EUCLEAN, "%s: unknown verdict '%s'", store->path, text);
}

int run_store_marks(struct run_store *store, struct stored_mark **ret_marks, size_t *ret_count,
		    struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	cleanup_free struct stored_mark *marks = NULL;
	size_t count = 0, room = 0;
	int rc = statement_prepare(store, "SELECT series, run, is_history, verdict, ratio"
				   " FROM verdicts ORDER BY series, run, is_history", &st, err);

	if (rc)
		return rc;
	while ((rc = statement_step(&st, err)) > 0) {
		cleanup_free char *verdict = statement_text(&st, 3);

		if (count == room) {
			room = room ? 2 * room : 1024;
			marks = memory_realloc_array(marks, room, sizeof(*marks));
		}
		marks[count] = (struct stored_mark){
			.series = statement_integer(&st, 0),
			.run = statement_integer(&st, 1),
			.is_history = statement_integer(&st, 2),
			.ratio = statement_real(&st, 4),
		};
		rc = parse_verdict(store, verdict, &marks[count++].verdict, err);
		if (rc)
			return rc;
	}
	if (rc)
		return rc;
	*ret_marks = take_pointer(marks);
	*ret_count = count;
	return 0;
}
