/* command_row.h - what commands over kernels that follow one another (bisect, walk) have in
 * common: the options that say what these are made of and measured in.
 */
#ifndef KERNGATE_COMMANDS_COMMAND_ROW_H
#define KERNGATE_COMMANDS_COMMAND_ROW_H

#include "command.h"
#include "kernel_row.h"

/* Beside those; all of a command's own struct. */
struct command_row {
	uint64_t budget_minutes, jobs; /* 0: not given */
	bool resume, json;
};

/* Elements of an array of struct option_info. */
#define COMMAND_ROW_OPTIONS(setting, row)                                      \
	{ "--campaign", OPTION_TEXT, &(setting)->campaign, 0, 0 },             \
	{ "--variant", OPTION_TEXT, &(setting)->variant, 0, 0 },               \
	{ "--base", OPTION_TEXT, &(setting)->base, 0, 0 },                     \
	{ "--fragments", OPTION_TEXT, &(setting)->fragments, 0, 0 },           \
	{ "--guest", OPTION_TEXT, &(setting)->guest, 0, 0 },                   \
	{ "--suite", OPTION_TEXT, &(setting)->suite, 0, 0 },                   \
	{ "--mode", OPTION_TEXT, &(setting)->mode, 0, 0 },                     \
	{ "--budget", OPTION_NUMBER, &(row)->budget_minutes, 1, 100000 },      \
	{ "--jobs", OPTION_NUMBER, &(row)->jobs, 1, 4096 },                    \
	{ "--resume", OPTION_FLAG, &(row)->resume, 0, 0 },                     \
	{ "--json", OPTION_FLAG, &(row)->json, 0, 0 }

/* Whether any of the setting was given. */
bool command_row_is_set(const struct kernel_row_options *setting);
/* EXIT_USAGE where the mode is none; names the campaign where none was given: quick, or in
 * exact mode quick-exact. */
int command_row_complete(struct kernel_row_options *setting, struct error *err) must_check;
/* Clears what was shown live; the exit status by a code of the engine. */
int command_row_end(int code);

#endif
