/* init_plan.c - the plan file: what this boot is to do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init.h"

#define PLAN_BYTES_MAX 262144

static bool complain(char *reason, size_t size, unsigned int line_number,
		     const char *what)
{
	snprintf(reason, size, "%s:%u: %s", PLAN_PATH, line_number, what);
	return false;
}

static bool arguments_parse(char **state, struct plan_program *program)
{
	char *argument;

	while ((argument = strtok_r(NULL, " ", state))) {
		if (program->arguments_count == ROW_ARGUMENTS_MAX)
			return false;
		program->arguments[program->arguments_count++] = argument;
	}
	return true;
}

static bool row_parse(char **state, struct plan_row *row)
{
	char *timeout;

	row->name = strtok_r(NULL, " ", state);
	row->program.workload = strtok_r(NULL, " ", state);
	timeout = strtok_r(NULL, " ", state);
	if (!timeout || strchr(row->program.workload, '/'))
		return false;
	row->timeout_s = (unsigned int)strtoul(timeout, NULL, 10);
	return row->timeout_s != 0 && arguments_parse(state, &row->program);
}

/* Of the row before it, which has none yet. */
static bool load_parse(char **state, struct plan *plan)
{
	struct plan_row *row = plan->rows_count ? &plan->rows[plan->rows_count - 1] : NULL;

	if (!row || row->load.workload)
		return false;
	row->load.workload = strtok_r(NULL, " ", state);
	return row->load.workload && !strchr(row->load.workload, '/') &&
	       arguments_parse(state, &row->load);
}

static const char *line_parse(char *line, struct plan *plan)
{
	char *state = NULL;
	const char *word = strtok_r(line, " ", &state);

	if (!word)
		return "empty line";
	if (!strcmp(word, "trial")) {
		plan->trial = strtok_r(NULL, " ", &state);
		return plan->trial ? NULL : "expected: trial ID";
	}
	if (!strcmp(word, "sysctl")) {
		char *assignment = strtok_r(NULL, "", &state);

		if (!assignment || !strchr(assignment, '='))
			return "expected: sysctl NAME=VALUE";
		if (plan->sysctls_count == PLAN_SYSCTLS_MAX)
			return "too many sysctls";
		plan->sysctls[plan->sysctls_count++] = assignment;
		return NULL;
	}
	if (!strcmp(word, "row")) {
		if (plan->rows_count == PLAN_ROWS_MAX)
			return "too many rows";
		if (!row_parse(&state, &plan->rows[plan->rows_count]))
			return "expected: row NAME WORKLOAD TIMEOUT_S ARGUMENTS";
		plan->rows_count++;
		return NULL;
	}
	if (!strcmp(word, "load"))
		return load_parse(&state, plan) ? NULL :
		       "expected: load WORKLOAD ARGUMENTS, once, behind a row";
	return "unknown word";
}

static bool plan_parse(struct plan *plan, char *reason, size_t size)
{
	unsigned int number = 0;
	bool ended = false;
	char *line, *state = NULL;

	for (line = strtok_r(plan->text, "\n", &state); line;
	     line = strtok_r(NULL, "\n", &state)) {
		const char *mistake;

		number++;
		if (ended)
			return complain(reason, size, number, "text after end");
		if (number == 1) {
			if (strcmp(line, "plan 1"))
				return complain(reason, size, 1,
						"expected: plan 1");
			continue;
		}
		if (!strcmp(line, "end")) {
			ended = true;
			continue;
		}
		mistake = line_parse(line, plan);
		if (mistake)
			return complain(reason, size, number, mistake);
	}
	if (!ended || !plan->trial)
		return complain(reason, size, number, "no end or no trial");
	return true;
}

bool plan_load(const char *path, struct plan *plan, char *reason, size_t size)
{
	int length;

	memset(plan, 0, sizeof(*plan));
	plan->text = malloc(PLAN_BYTES_MAX);
	if (!plan->text) {
		snprintf(reason, size, "out of memory");
		return false;
	}
	length = system_read_text(path, plan->text, PLAN_BYTES_MAX);
	if (length < 0) {
		snprintf(reason, size, "%s: %s", path, strerror(-length));
		return false;
	}
	return plan_parse(plan, reason, size);
}
