/* command.h - the table of subcommands, and how to add one: write
 * commands/NAME.c with a `const struct command command_NAME`, name it in
 * command.c's table; `kerngate NAME --help` and the list come from it.
 */
#ifndef KERNGATE_COMMANDS_COMMAND_H
#define KERNGATE_COMMANDS_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "accelerator.h"
#include "cleanup.h"
#include "error.h"
#include "strbuf.h"

/* Global options, valid before or after the subcommand. All borrowed. */
struct globals {
	const char *project_root;    /* --root, or found (main.c says how); absolute */
	const char *build_dir;       /* folder of the program; absolute */
	const char *results_dir;     /* --results; default ROOT/results; absolute */
	const char *cache_path;      /* --cache; absolute; NULL: default */
	uint64_t cache_max_bytes;    /* --cache-size GIB; 0: default */
	const char *uri;             /* --connect; default "embed" */
	enum accelerator_choice accelerator; /* --accel auto|kvm|tcg */
	const char *program;         /* "kerngate" and these options as they were given, for
					commands that the user is told to type */
};

enum {
	EXIT_OK = 0,
	EXIT_HARNESS = 2,
	EXIT_USAGE = 64,
	EXIT_INTERRUPTED = 130, /* as a shell says it of what SIGINT ended */
};

struct command {
	const char *name;
	const char *summary;         /* one line, for the list */
	const char *usage;           /* "run [CAMPAIGN] [--dry-run]" */
	const char *help;            /* options, exit codes, examples */
	bool supervised;             /* starts guests or compilers: whatever ends
					it, the supervisor leaves none behind */
	/* argv[0] is the subcommand. Returns the exit status; on a failure it
	 * fills err and main prints it once. */
	int (*run)(const struct globals *globals, int argc, char **argv,
		   struct error *err);
};

extern const struct command *const command_table[]; /* NULL-terminated */

/* Fills err for `kerngate NAME: ...; see kerngate NAME --help` (NAME is the
 * command that runs) and returns EXIT_USAGE. */
int command_usage_error(struct error *err, const char *format, ...)
	printf_like(2, 3);

/* The options of a subcommand: flags, and options with a value as
 * `--name VALUE` or `--name=VALUE`. The last array element has a NULL name. */
enum option_kind {
	OPTION_FLAG,   /* bool *: set to true */
	OPTION_TEXT,   /* const char **: borrowed from argv, not empty */
	OPTION_TEXTS,  /* struct strvec *: as OPTION_TEXT, once for each time */
	OPTION_NUMBER, /* uint64_t *: decimal, minimum..maximum */
};

struct option_info {
	const char *name;       /* with its dashes: "--dry-run" */
	enum option_kind kind;
	void *value;            /* borrowed; untouched if the option is absent */
	uint64_t minimum, maximum;
};

/* Sorts a subcommand's argv: options are stored and taken out, the operands
 * stay in argv[1] to argv[*argc - 1]; all after `--` is an operand. 0, or
 * EXIT_USAGE with a "did you mean" where an option is near. */
int command_parse_options(const struct option_info *options, int *argc,
			  char **argv, struct error *err) must_check;
/* EXIT_USAGE unless argv holds at most `most` operands. */
int command_check_operands(int argc, char **argv, int most,
			   struct error *err) must_check;

/* Ctrl-C, SIGTERM and SIGHUP make process_run end its child and return
 * -ECANCELED, and a fleet end its guests and return -EINTR; another one half a
 * second later ends the program. */
void command_catch_interrupts(void);

/* EXIT_HARNESS where code is negative, else EXIT_OK. */
int command_status(int code);

/* What main.c needs: the command by that name, or NULL. */
const struct command *command_find(const char *name);
/* The list of commands and global options; one command's help. */
void command_print_overview(FILE *file);
void command_print_help(const struct command *command);
/* From now on messages of usage name this command. */
void command_set_current(const struct command *command);
const struct command *command_current(void); /* NULL until one is set */

extern const char kerngate_version[];

#endif
