/* kernel_log_title.c - what the lines of a report tell about its bug, and the
 * title made of it: functions stay; addresses, numbers, times and offsets go,
 * so that equal titles mean the same bug.
 */
#include <string.h>

#include "kernel_log_line.h"
#include "kernel_log_report.h"
#include "memory.h"
#include "strbuf.h"

#define TITLE_MAX 160

/* Frames of the checkers, of waiting and of entry code: the bug is in their
 * caller. A trailing '*' stands for any rest. */
static const char *const frames_to_skip[] = {
	"dump_stack*", "show_stack*", "sched_show_task", "__might_*",
	"___might_*", "__schedule*", "schedule*", "preempt_schedule*",
	"io_schedule*", "__mutex_lock*", "mutex_lock*", "__down*", "down_*",
	"rwsem_*", "__rt_mutex*", "rt_mutex*", "rtlock*", "wait_for_*",
	"__wait_*", "bit_wait*", "out_of_line_wait*", "__lock_acquire",
	"lock_acquire*", "lock_release*", "__lock_release*", "lockdep_*",
	"print_*", "check_*", "mark_lock*", "mark_usage", "register_lock_class",
	"validate_chain", "ubsan_*", "__ubsan_*", "handle_overflow", "kasan_*",
	"__kasan_*", "__asan_*", "report_bug", "__report_bug", "handle_bug",
	"__warn*", "warn_slowpath*", "bad_page", "debug_smp_processor_id",
	"debug_object*", "__slab_err", "slab_err", "slab_bug", "object_err",
	"slab_pad_check", "vpanic", "panic", "refcount_warn_saturate", "irqentry_*", "asm_*", "sysvec_*",
	"__sysvec_*", "exc_*", "nmi_*", "native_halt", "native_safe_halt",
};

static bool frame_is_skipped(const char *name)
{
	for (size_t i = 0; i < ARRAY_COUNT(frames_to_skip); i++) {
		const char *pattern = frames_to_skip[i];
		size_t length = strlen(pattern);

		if (pattern[length - 1] == '*' ?
			    strncmp(name, pattern, length - 1) == 0 :
			    strcmp(name, pattern) == 0)
			return true;
	}
	return false;
}

/* The symbol of the first "symbol+0x1a/0x20" in text, without the suffixes
 * that a compiler appends (".isra.0"). False if there is none. */
static bool find_symbol(const char *text, char ret[REPORT_FUNCTION_MAX])
{
	const char *plus = strstr(text, "+0x");
	const char *start = plus;
	size_t length;

	if (!plus)
		return false;
	while (start > text && is_symbol_char(start[-1]))
		start--;
	length = strcspn(start, ".+");
	if (length == 0 || length >= REPORT_FUNCTION_MAX)
		return false;
	memcpy(ret, start, length);
	ret[length] = '\0';
	return true;
}

static void learn_stack(struct report_facts *facts, const char *message)
{
	char name[REPORT_FUNCTION_MAX];

	if (!facts->in_stack || facts->stack_function[0])
		return;
	/* " ? name+..." is a guess of the unwinder. */
	if (message[0] != ' ' || strstr(message, "? "))
		return;
	if (find_symbol(message, name) && !frame_is_skipped(name))
		strcpy(facts->stack_function, name);
}

static void learn_rip(struct report_facts *facts, const char *message)
{
	char name[REPORT_FUNCTION_MAX];

	/* 0010 is the kernel's code segment; arm64 prints "pc : symbol". */
	if (!text_starts(message, "RIP: 0010:") && !text_starts(message, "pc : "))
		return;
	if (find_symbol(message, name) && !frame_is_skipped(name))
		strcpy(facts->function, name);
}

static void learn_lock(struct report_facts *facts, const char *message)
{
	const char *at = strstr(message, ", at: ");
	char name[REPORT_FUNCTION_MAX];

	if (at && find_symbol(at, name))
		strcpy(facts->function, name);
}

static void learn_killed(struct report_facts *facts, const char *message)
{
	const char *open = strchr(strstr(message, "Killed process"), '(');
	const char *close = open ? strrchr(open, ')') : NULL;
	const char *total = strstr(message, ") total-vm");

	if (total)
		close = total;
	if (!facts->killed && open && close && close > open)
		facts->killed = string_copy_n(open + 1, (size_t)(close - open - 1));
}

void report_facts_learn(struct report_facts *facts, const char *message)
{
	if (text_starts(message, "Call Trace:") || strcmp(message, "stack backtrace:") == 0)
		facts->in_stack = true;
	if (message_is_oops(message))
		facts->has_oops = true;
	if (text_starts(message, " #"))
		facts->has_locks = true;
	if (message_is_killed(message))
		learn_killed(facts, message);
	if (facts->rule->kind == FINDING_KASAN && !facts->access) {
		if (text_starts(message, "Read of size") || text_starts(message, "Read at"))
			facts->access = "Read";
		if (text_starts(message, "Write of size") || text_starts(message, "Write at"))
			facts->access = "Write";
	}
	if (!facts->function[0] && facts->rule->function == FUNCTION_RIP)
		learn_rip(facts, message);
	if (!facts->function[0] && facts->rule->function == FUNCTION_LOCK)
		learn_lock(facts, message);
	learn_stack(facts, message);
}

void report_facts_begin(struct report_facts *facts,
			const struct report_rule *rule, const char *message)
{
	*facts = (struct report_facts){ .rule = rule };
	facts->first_message = string_copy(message);
	if (rule->function == FUNCTION_LINE &&
	    (!find_symbol(message, facts->function) ||
	     frame_is_skipped(facts->function)))
		facts->function[0] = '\0';
	report_facts_learn(facts, message);
}

static bool is_ruler(const char *message)
{
	size_t length = strspn(message, "=");

	return length >= 20 && message[length] == '\0';
}

bool report_facts_ends(const struct report_facts *facts, const char *message)
{
	switch (facts->rule->end) {
	case END_LINE:
		return true;
	case END_TRACE:
		return text_starts(message, "---[ end trace");
	case END_STACK:
		return text_starts(message, " </TASK>") ||
		       text_starts(message, "rcu: INFO: Stall ended");
	case END_RULER:
		return is_ruler(message);
	case END_LOCKS:
		return facts->has_locks && !text_starts(message, " #");
	case END_KILLED:
		return message_is_killed(message) ||
		       text_starts(message, "Out of memory and no killable");
	case END_PANIC:
		return text_starts(message, "---[ end Kernel panic");
	}
	return true;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Length of the number at text: "0x1f", a bare address (eight hexadecimal
 * digits or more, one of them decimal), or decimal digits; 0 if there is none. */
static size_t number_length(const char *text)
{
	size_t start = text_starts(text, "0x") ? 2 : 0;
	size_t end = start;
	bool has_decimal = false;

	for (; is_hex(text[end]); end++)
		has_decimal |= text[end] <= '9';
	if (start && end > start)
		return end;
	if (end >= 8 && has_decimal && !is_symbol_char(text[end]))
		return end;
	return strspn(text, "0123456789");
}

/* Appends text with numbers as "N" and addresses as "ADDR". */
static void add_normalised(struct strbuf *out, const char *text)
{
	bool in_name = false;

	while (*text) {
		size_t length = in_name ? 0 : number_length(text);

		if (text[0] == '+' && text_starts(text + 1, "0x")) {
			text += 1 + number_length(text + 1);
			if (text_starts(text, "/0x"))
				text += 1 + number_length(text + 1);
			continue;
		}
		if (length > 0) {
			strbuf_adds(out, length >= 12 ? "ADDR" : "N");
			text += length;
			continue;
		}
		in_name = is_symbol_char(*text) && *text != '.';
		strbuf_addc(out, *text++);
	}
}

/* "Oops: divide error: 0000 [#1] SMP" > "divide error". */
static void add_oops_title(struct strbuf *out, const char *message)
{
	const char *end = message_oops_code(message);

	if (text_starts(message, "Oops: ") && end > message + 6)
		message += 6;
	while (end > message && strchr("0 ,:", end[-1]))
		end--;
	for (const char *at = message; at < end && *at != ','; at++)
		strbuf_addc(out, *at);
	if (out->length == 0)
		strbuf_adds(out, "Oops");
}

/* "UBSAN: shift-out-of-bounds in lib/x.c:1:2" > "UBSAN: shift-out-of-bounds";
 * "BUG: KASAN: use-after-free in f+0x1/0x2" > "KASAN: use-after-free". */
static void add_up_to_in(struct strbuf *out, const char *message)
{
	const char *end;

	if (text_starts(message, "BUG: "))
		message += 5;
	end = strstr(message, " in ");
	strbuf_add(out, message, end ? (size_t)(end - message) : strlen(message));
}

static void add_base_title(struct strbuf *out, const struct report_facts *facts)
{
	const char *message = facts->first_message;

	if (facts->rule->title) {
		strbuf_adds(out, facts->rule->title);
		return;
	}
	switch (facts->rule->kind) {
	case FINDING_PANIC:
		strbuf_adds(out, "Kernel panic: ");
		add_normalised(out, message + strlen(facts->rule->prefix));
		break;
	case FINDING_OOPS:
		add_oops_title(out, message);
		break;
	case FINDING_KASAN:
	case FINDING_UBSAN:
		add_up_to_in(out, message);
		break;
	case FINDING_OUT_OF_MEMORY:
		strbuf_adds(out, "out of memory: ");
		strbuf_adds(out, facts->killed ? "killed " : "no process killed");
		if (facts->killed)
			add_normalised(out, facts->killed);
		break;
	default:
		add_normalised(out, text_starts(message, "BUG: ") ? message + 5 : message);
	}
}

char *report_facts_title(const struct report_facts *facts)
{
	struct strbuf title = STRBUF_INIT;
	const char *function = facts->function;

	add_base_title(&title, facts);
	if (facts->access)
		strbuf_addf(&title, " %s", facts->access);
	if (!function[0] && facts->rule->function != FUNCTION_NONE)
		function = facts->stack_function;
	if (function[0])
		strbuf_addf(&title, " in %s", function);
	while (title.length > 0 && title.data[title.length - 1] == ' ')
		strbuf_cut(&title, title.length - 1);
	if (title.length == 0)
		strbuf_adds(&title, finding_kind_name(facts->rule->kind));
	if (title.length > TITLE_MAX)
		strbuf_cut(&title, TITLE_MAX);
	return strbuf_detach(&title);
}

void report_facts_release(struct report_facts *facts)
{
	free(facts->first_message);
	free(facts->killed);
	*facts = (struct report_facts){ .rule = NULL };
}
