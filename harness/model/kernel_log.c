/* kernel_log.c - the stream of a console: bytes > lines > open reports >
 * findings. What a message means is kernel_log_report.c's; whether a finding
 * ends a trial is the caller's.
 *
 * Who may speak: once the kernel is seen to print time stamps ("[    0.000000]
 * Linux version"), a line without one comes from user space and begins no
 * finding. On a kernel that prints none, every line is the kernel's.
 *
 * A stamp in the middle of a line begins a line of its own: it follows what a
 * program wrote to the console without a newline.
 */
#include "kernel_log.h"

#include <string.h>

#include "kernel_log_line.h"
#include "kernel_log_report.h"
#include "memory.h"
#include "strbuf.h"

#define OPEN_MAX_REPORTS 4          /* callers that report at the same time */
#define REPORT_LINES_MAX 400        /* of a report whose end never comes */
#define OOM_LINES_MAX 40000         /* it lists every task */
#define STACK_WAIT_LINES 20         /* until the stack of a report begins */
#define REPORT_GAP_US UINT64_C(5000000) /* silence that ends a report */
#define LEAD_LINES_MAX 4            /* between "cut here" and the report */
#define EXCERPT_HEAD (KERNEL_LOG_EXCERPT_LINES - EXCERPT_TAIL - 1)
#define EXCERPT_TAIL 12
#define ESCAPE_MAX 64               /* characters of a terminal sequence */

enum escape { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_CSI, ESCAPE_STRING };
enum stamps { STAMPS_UNKNOWN, STAMPS_PRINTED, STAMPS_ABSENT };

struct excerpt {
	struct strbuf head;
	struct strbuf tail[EXCERPT_TAIL]; /* ring */
	uint64_t lines;
};

struct report {
	bool is_open;
	struct report_facts facts;
	struct excerpt excerpt;
	char caller[KERNEL_LOG_CALLER_MAX];
	uint64_t line, lines, last_us;
};

struct kernel_log {
	/* bytes > lines */
	char text[KERNEL_LOG_LINE_MAX + 1];
	size_t length;
	uint64_t line;              /* number of the line being read, from 1 */
	enum escape escape;
	uint32_t escape_length;
	struct stamp_matcher matcher;
	char stamp[32];             /* what the matcher has seen so far */
	enum stamps stamps;
	/* lines > reports */
	struct strbuf lead;         /* "cut here" and what follows it */
	uint32_t lead_lines;
	bool lead_active;
	struct report open[OPEN_MAX_REPORTS];
	bool taints_seen[256];      /* flags that a finding explains */
	/* findings */
	struct finding findings[KERNEL_LOG_FINDINGS_MAX];
	size_t count;
	uint64_t total;
	bool has_fatal;
};

static void excerpt_add(struct excerpt *excerpt, const char *text)
{
	struct strbuf *to = &excerpt->head;

	if (excerpt->lines >= EXCERPT_HEAD) {
		to = &excerpt->tail[excerpt->lines % EXCERPT_TAIL];
		if (!to->data)
			*to = STRBUF_INIT;
		strbuf_reset(to);
	}
	strbuf_adds(to, text);
	strbuf_addc(to, '\n');
	excerpt->lines++;
}

/* Owned text; empties the excerpt. */
static char *excerpt_finish(struct excerpt *excerpt)
{
	uint64_t after = excerpt->lines > EXCERPT_HEAD ? excerpt->lines - EXCERPT_HEAD : 0;
	uint64_t kept = after < EXCERPT_TAIL ? after : EXCERPT_TAIL;

	if (after > kept)
		strbuf_addf(&excerpt->head, "[... %llu lines left out ...]\n",
			    (unsigned long long)(after - kept));
	for (uint64_t i = excerpt->lines - kept; i < excerpt->lines; i++) {
		struct strbuf *tail = &excerpt->tail[i % EXCERPT_TAIL];

		strbuf_add(&excerpt->head, tail->data, tail->length);
	}
	for (size_t i = 0; i < EXCERPT_TAIL; i++)
		if (excerpt->tail[i].data)
			strbuf_release(&excerpt->tail[i]);
	return strbuf_detach(&excerpt->head);
}

static void add_finding(struct kernel_log *log, enum finding_kind kind,
			char *title, char *excerpt, uint64_t line)
{
	log->total++;
	if (finding_kind_is_fatal(kind))
		log->has_fatal = true;
	if (log->count == KERNEL_LOG_FINDINGS_MAX) {
		free(title);
		free(excerpt);
		return;
	}
	log->findings[log->count++] = (struct finding){
		.kind = kind,
		.title = title,
		.excerpt = excerpt,
		.line = line,
	};
}

static void report_close(struct kernel_log *log, struct report *report)
{
	add_finding(log, report->facts.rule->kind,
		    report_facts_title(&report->facts),
		    excerpt_finish(&report->excerpt), report->line);
	report_facts_release(&report->facts);
	*report = (struct report){ .is_open = false };
}

/* The report that was opened first among those open; NULL if none is. */
static struct report *report_oldest(struct kernel_log *log)
{
	struct report *oldest = NULL;

	for (size_t i = 0; i < OPEN_MAX_REPORTS; i++)
		if (log->open[i].is_open &&
		    (!oldest || log->open[i].line < oldest->line))
			oldest = &log->open[i];
	return oldest;
}

static struct report *report_of_caller(struct kernel_log *log, const char *caller)
{
	for (size_t i = 0; i < OPEN_MAX_REPORTS; i++)
		if (log->open[i].is_open &&
		    strcmp(log->open[i].caller, caller) == 0)
			return &log->open[i];
	return NULL;
}

static struct report *report_slot(struct kernel_log *log)
{
	struct report *oldest;

	for (size_t i = 0; i < OPEN_MAX_REPORTS; i++)
		if (!log->open[i].is_open)
			return &log->open[i];
	oldest = report_oldest(log);
	report_close(log, oldest);
	return oldest;
}

static bool report_is_spent(const struct report *report, const char *message)
{
	const struct report_rule *rule = report->facts.rule;

	if (report_facts_ends(&report->facts, message))
		return true;
	if (rule->end == END_STACK && !report->facts.in_stack)
		return report->lines >= STACK_WAIT_LINES;
	return report->lines >= (rule->end == END_KILLED ? OOM_LINES_MAX :
							   REPORT_LINES_MAX);
}

static void report_add(struct kernel_log *log, struct report *report,
		       const struct console_line *line, const char *text)
{
	if (report->facts.rule->end == END_LOCKS &&
	    report_facts_ends(&report->facts, line->message)) {
		report_close(log, report);
		return;
	}
	report->lines++;
	if (line->has_time)
		report->last_us = line->time_us;
	excerpt_add(&report->excerpt, text);
	report_facts_learn(&report->facts, line->message);
	if (report_is_spent(report, line->message))
		report_close(log, report);
}

static void report_open(struct kernel_log *log, const struct report_rule *rule,
			const struct console_line *line, const char *text)
{
	struct report *report = report_slot(log);

	*report = (struct report){
		.is_open = true,
		.line = log->line,
		.lines = 1,
		.last_us = line->time_us,
		.excerpt = { .head = STRBUF_INIT },
	};
	memcpy(report->caller, line->caller, sizeof(report->caller));
	for (const char *flag = rule->taints; *flag; flag++)
		log->taints_seen[(unsigned char)*flag] = true;
	if (finding_kind_is_fatal(rule->kind))
		log->has_fatal = true;
	if (log->lead_active) {
		report->excerpt.lines = log->lead_lines;
		strbuf_adds(&report->excerpt.head, log->lead.data);
		log->lead_active = false;
	}
	excerpt_add(&report->excerpt, text);
	report_facts_begin(&report->facts, rule, line->message);
	if (rule->end == END_LINE)
		report_close(log, report);
}

/* Whether a message that could begin a report is one line of this one. */
static bool report_includes(const struct report *report, const char *message)
{
	if (message_is_oops(message))
		return report->facts.rule->before_oops && !report->facts.has_oops;
	if (message_is_killed(message))
		return report->facts.rule->end == END_KILLED;
	return false;
}

static bool is_boundary(const char *message)
{
	return strcmp(message, "------------[ cut here ]------------") == 0 ||
	       (strspn(message, "=") >= 20 && message[strspn(message, "=")] == '\0');
}

/* Lines between a boundary and the report that it announces. */
static void lead_add(struct kernel_log *log, const char *message, const char *text)
{
	if (is_boundary(message)) {
		strbuf_reset(&log->lead);
		log->lead_lines = 0;
		log->lead_active = true;
	}
	if (!log->lead_active)
		return;
	if (log->lead_lines == LEAD_LINES_MAX) {
		log->lead_active = false;
		return;
	}
	strbuf_adds(&log->lead, text);
	strbuf_addc(&log->lead, '\n');
	log->lead_lines++;
}

/* "Tainted: G        W  O     7.3.4" and "Tainted: [W]=WARN, [O]=OOT_MODULE":
 * a flag that no finding so far explains is a finding. */
static void scan_taint(struct kernel_log *log, const char *message, const char *text)
{
	const char *at = strstr(message, "Tainted: ");
	char flags[32] = "";
	size_t count = 0;
	bool is_verbose;

	if (!at || (at > message && at[-1] != ' '))
		return;
	at += strlen("Tainted: ");
	is_verbose = *at == '[';
	for (; *at && count < sizeof(flags) - 1; at++) {
		bool is_flag = *at >= 'A' && *at <= 'Z';

		if (!is_verbose && !is_flag && *at != ' ')
			break;
		if (is_verbose && !(is_flag && at[-1] == '[' && at[1] == ']'))
			continue;
		if (!is_flag || *at == 'G' || log->taints_seen[(unsigned char)*at])
			continue;
		log->taints_seen[(unsigned char)*at] = true;
		flags[count++] = *at;
	}
	if (count > 0)
		add_finding(log, FINDING_TAINT,
			    string_format("kernel tainted: %s", flags),
			    string_format("%s\n", text), log->line);
}

/* Messages that announce a flag in words. */
static void scan_taint_words(struct kernel_log *log, const char *message,
			     const char *text)
{
	static const struct {
		const char *words;
		char flag;
	} announcements[] = {
		{ "loading out-of-tree module taints kernel", 'O' },
		{ "module verification failed: signature and/or required key missing",
		  'E' },
		{ "' taints kernel.", 'P' },
	};

	for (size_t i = 0; i < ARRAY_COUNT(announcements); i++) {
		unsigned char flag = (unsigned char)announcements[i].flag;

		if (!strstr(message, announcements[i].words) ||
		    log->taints_seen[flag])
			continue;
		log->taints_seen[flag] = true;
		add_finding(log, FINDING_TAINT,
			    string_format("kernel tainted: %c", flag),
			    string_format("%s\n", text), log->line);
	}
}

static void close_silent(struct kernel_log *log, const struct console_line *line)
{
	if (!line->has_time)
		return;
	for (size_t i = 0; i < OPEN_MAX_REPORTS; i++) {
		struct report *report = &log->open[i];

		if (report->is_open && line->time_us > report->last_us &&
		    line->time_us - report->last_us > REPORT_GAP_US)
			report_close(log, report);
	}
}

static bool line_is_kernels(struct kernel_log *log, const struct console_line *line)
{
	bool has_prefix = line->has_time || line->caller[0];

	if (log->stamps == STAMPS_UNKNOWN) {
		if (has_prefix)
			log->stamps = STAMPS_PRINTED;
		else if (text_starts(line->message, "Linux version "))
			log->stamps = STAMPS_ABSENT;
	}
	return has_prefix || log->stamps != STAMPS_PRINTED;
}

static void scan_line(struct kernel_log *log)
{
	const char *text = log->text;
	const struct report_rule *rule;
	struct console_line line;
	struct report *report;

	console_line_parse(text, &line);
	if (!line_is_kernels(log, &line))
		return;
	close_silent(log, &line);
	report = report_of_caller(log, line.caller);
	rule = report_rule_find(line.message);
	if (report && (rule ? !report_includes(report, line.message) :
			      text_starts(line.message, "------------[ cut here"))) {
		report_close(log, report);
		report = NULL;
	}
	if (report)
		report_add(log, report, &line, text);
	else if (rule)
		report_open(log, rule, &line, text);
	else
		lead_add(log, line.message, text);
	scan_taint(log, line.message, text);
	scan_taint_words(log, line.message, text);
}

/* Ends the line in the buffer. */
static void end_line(struct kernel_log *log)
{
	log->text[log->length] = '\0';
	if (log->length > 0)
		scan_line(log);
	log->length = 0;
}

/* A printable character of a line. */
static void add_char(struct kernel_log *log, char c)
{
	size_t stamp_length;

	if (log->matcher.length < sizeof(log->stamp))
		log->stamp[log->matcher.length] = c;
	if (log->length < KERNEL_LOG_LINE_MAX)
		log->text[log->length++] = c;
	if (!stamp_matcher_next(&log->matcher, c, &stamp_length)) {
		if (log->matcher.length == 1)
			log->stamp[0] = c;
		return;
	}
	/* At the start, or after a level as in "<6>[    0.100000]". */
	log->text[log->length] = '\0';
	if (log->length == stamp_length + console_level_length(log->text))
		return;
	if (log->length < KERNEL_LOG_LINE_MAX)
		log->length -= stamp_length;
	end_line(log);
	memcpy(log->text, log->stamp, stamp_length);
	log->length = stamp_length;
}

/* Swallows terminal sequences (ECMA-48): true while inside one. */
static bool in_escape(struct kernel_log *log, unsigned char c)
{
	if (c == 0x1b) {
		log->escape = log->escape == ESCAPE_STRING ? ESCAPE_NONE : ESCAPE_BEGUN;
		log->escape_length = 0;
		return true;
	}
	if (log->escape == ESCAPE_NONE)
		return false;
	if (++log->escape_length > ESCAPE_MAX) {
		log->escape = ESCAPE_NONE;
		return false;
	}
	switch (log->escape) {
	case ESCAPE_BEGUN:
		log->escape = c == '[' ? ESCAPE_CSI :
			      c == ']' ? ESCAPE_STRING : ESCAPE_NONE;
		break;
	case ESCAPE_CSI:
		if (c >= 0x40 && c <= 0x7e)
			log->escape = ESCAPE_NONE;
		break;
	case ESCAPE_STRING:
		if (c == 0x07)
			log->escape = ESCAPE_NONE;
		break;
	case ESCAPE_NONE:
		break;
	}
	return true;
}

struct kernel_log *kernel_log_new(void)
{
	struct kernel_log *log = memory_alloc(sizeof(*log));

	log->lead = STRBUF_INIT;
	log->line = 1;
	return log;
}

void kernel_log_feed(struct kernel_log *log, const void *data, size_t length)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < length; i++) {
		unsigned char c = bytes[i];

		if (c == '\n') {
			end_line(log);
			log->line++;
			log->escape = ESCAPE_NONE;
			log->matcher = (struct stamp_matcher){ 0 };
		} else if (!in_escape(log, c) && c != '\0' && c != '\r') {
			/* Findings are stored and shown as ASCII. */
			add_char(log, c == '\t' || (c >= 0x20 && c < 0x7f) ?
					      (char)c : '?');
		}
	}
}

void kernel_log_finish(struct kernel_log *log)
{
	struct report *report;

	end_line(log);
	while ((report = report_oldest(log)))
		report_close(log, report);
}

void kernel_log_findings(const struct kernel_log *log,
			 const struct finding **ret_items, size_t *ret_count)
{
	*ret_items = log->findings;
	*ret_count = log->count;
}

uint64_t kernel_log_findings_total(const struct kernel_log *log)
{
	return log->total;
}

bool kernel_log_has_fatal(const struct kernel_log *log)
{
	return log->has_fatal;
}

void kernel_log_free(struct kernel_log *log)
{
	if (!log)
		return;
	for (size_t i = 0; i < OPEN_MAX_REPORTS; i++) {
		if (!log->open[i].is_open)
			continue;
		free(excerpt_finish(&log->open[i].excerpt));
		report_facts_release(&log->open[i].facts);
	}
	for (size_t i = 0; i < log->count; i++) {
		free(log->findings[i].title);
		free(log->findings[i].excerpt);
	}
	strbuf_release(&log->lead);
	free(log);
}
