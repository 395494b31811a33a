/* test_kernel_log.c - console text > findings, on logs of real kernels and on
 * what a hostile or broken console can do to them.
 */
#include <string.h>

#include "files.h"
#include "kernel_log.h"
#include "memory.h"
#include "strbuf.h"
#include "test.h"

struct expected {
	enum finding_kind kind;
	const char *title;
};

static struct kernel_log *scan(const char *text, size_t length, size_t step)
{
	struct kernel_log *log = kernel_log_new();

	for (size_t at = 0; at < length; at += step)
		kernel_log_feed(log, text + at, length - at < step ? length - at : step);
	kernel_log_finish(log);
	return log;
}

static char *load(const char *name, size_t *ret_length)
{
	cleanup_free char *relative = string_format("console/%s.log", name);
	char *text = NULL;

	if (!test_check(file_read(test_fixture_path(relative), 1 << 20, &text,
				  ret_length) == 0))
		return NULL;
	return text;
}

static void check_findings(const struct kernel_log *log,
			   const struct expected *expected, size_t count)
{
	const struct finding *items;
	size_t found;

	kernel_log_findings(log, &items, &found);
	CU_ASSERT_EQUAL(found, count);
	CU_ASSERT_EQUAL(kernel_log_findings_total(log), count);
	for (size_t i = 0; i < count && i < found; i++) {
		test_check_string(items[i].title, expected[i].title);
		test_check_string(finding_kind_name(items[i].kind),
				  finding_kind_name(expected[i].kind));
	}
	for (size_t i = count; i < found; i++)
		test_check_string(items[i].title, "nothing");
}

static void check_text(const char *text, const struct expected *expected, size_t count)
{
	struct kernel_log *log = scan(text, strlen(text), strlen(text) + 1);

	check_findings(log, expected, count);
	kernel_log_free(log);
}

#define FINDINGS_MAX 3

static const struct fixture {
	const char *name;
	struct expected findings[FINDINGS_MAX];
} fixtures[] = {
	{ "clean", { { 0, NULL } } },
	{ "panic-init-exit",
	  { { FINDING_PANIC,
	      "Kernel panic: Attempted to kill init! exitcode=N" } } },
	{ "panic-no-root",
	  { { FINDING_PANIC,
	      "Kernel panic: VFS: Unable to mount root fs on \"\" or unknown-block(N,N)" } } },
	{ "panic-sysrq",
	  { { FINDING_PANIC, "Kernel panic: sysrq triggered crash" } } },
	{ "oom-sysrq",
	  { { FINDING_OUT_OF_MEMORY, "out of memory: killed busybox" } } },
	{ "oom-kill",
	  { { FINDING_OUT_OF_MEMORY, "out of memory: killed busybox" } } },
	{ "oops-null",
	  { { FINDING_OOPS,
	      "kernel NULL pointer dereference in sysrq_handle_crash" } } },
	{ "oops-page-fault",
	  { { FINDING_OOPS,
	      "unable to handle page fault in sysrq_handle_crash" } } },
	{ "oops-gpf",
	  { { FINDING_OOPS, "general protection fault in sysrq_handle_crash" } } },
	{ "oops-divide",
	  { { FINDING_OOPS, "divide error in sysrq_handle_crash" } } },
	{ "bug-rmap",
	  { { FINDING_BUG, "kernel BUG in hugetlb_add_new_anon_rmap" } } },
	{ "bug-atomic",
	  { { FINDING_BUG, "scheduling while atomic in sysrq_handle_crash" },
	    { FINDING_WARNING, "WARNING in rcu_note_context_switch" } } },
	{ "bug-sleeping",
	  { { FINDING_BUG,
	      "sleeping function called from invalid context in hugetlb_alloc_prep" } } },
	{ "warning-refcount", { { FINDING_WARNING, "WARNING in __handle_sysrq" } } },
	{ "hung-task", { { FINDING_HUNG_TASK, "task hung in __handle_sysrq" } } },
	{ "soft-lockup",
	  { { FINDING_SOFT_LOCKUP, "soft lockup in sysrq_handle_crash" },
	    { FINDING_SOFT_LOCKUP, "soft lockup in sysrq_handle_crash" },
	    { FINDING_PANIC,
	      "Kernel panic: Attempted to kill init! exitcode=N" } } },
	{ "hard-lockup",
	  { { FINDING_HARD_LOCKUP,
	      "hard lockup in native_queued_spin_lock_slowpath" } } },
	{ "rcu-stall", { { FINDING_RCU_STALL, "rcu stall in sysrq_handle_crash" } } },
	{ "lockdep-circular",
	  { { FINDING_LOCKDEP, "possible deadlock in hugetlb_fault" } } },
	{ "lockdep-inconsistent",
	  { { FINDING_LOCKDEP, "inconsistent lock state in proxy_migrate_task" } } },
	{ "lockdep-rcu",
	  { { FINDING_LOCKDEP, "suspicious RCU usage in find_proxy_task" } } },
	{ "lockdep-held",
	  { { FINDING_LOCKDEP,
	      "lock held when returning to user space in padata_do_multithreaded" } } },
	{ "kasan-out-of-bounds",
	  { { FINDING_KASAN,
	      "KASAN: slab-out-of-bounds Read in vfio_batch_unpin" },
	    { FINDING_WARNING, "WARNING in page_counter_cancel" } } },
	{ "kcsan-data-race",
	  { { FINDING_KCSAN,
	      "KCSAN: data-race in padata_mt_helper / padata_work_alloc_mt" } } },
	{ "ubsan-shift",
	  { { FINDING_UBSAN,
	      "UBSAN: shift-out-of-bounds in deferred_init_memmap_chunk" } } },
	{ "two-callers",
	  { { FINDING_WARNING, "WARNING in find_proxy_task" },
	    { FINDING_OOPS, "kernel NULL pointer dereference in iommu_map_nosync" } } },
	{ "oops-panic-taint",
	  { { FINDING_TAINT, "kernel tainted: O" },
	    { FINDING_OOPS, "general protection fault in testmod_run" },
	    { FINDING_PANIC, "Kernel panic: Fatal exception" } } },
};

static size_t findings_count(const struct fixture *fixture)
{
	size_t count = 0;

	while (count < FINDINGS_MAX && fixture->findings[count].title)
		count++;
	return count;
}

/* Every split gives the same findings. */
static void test_fixtures(void)
{
	static const size_t steps[] = { 1 << 20, 1, 7, 64 };

	for (size_t i = 0; i < ARRAY_COUNT(fixtures); i++) {
		size_t length = 0;
		cleanup_free char *text = load(fixtures[i].name, &length);

		for (size_t s = 0; text && s < ARRAY_COUNT(steps); s++) {
			struct kernel_log *log = scan(text, length, steps[s]);

			check_findings(log, fixtures[i].findings,
				       findings_count(&fixtures[i]));
			kernel_log_free(log);
		}
	}
}

/* The same logs from a kernel that prints no time stamps. */
static void test_fixtures_without_stamps(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(fixtures); i++) {
		size_t length = 0;
		cleanup_free char *text = load(fixtures[i].name, &length);
		cleanup_strbuf struct strbuf raw = STRBUF_INIT;
		char *rest = text;
		char *line;

		/* Who printed an interleaved line is not known there. */
		if (!text || strcmp(fixtures[i].name, "two-callers") == 0)
			continue;
		while ((line = strsep(&rest, "\n")))
			strbuf_addf(&raw, "%s\n",
				    line[0] == '[' ? strchr(line, ']') + 2 : line);
		check_text(raw.data, fixtures[i].findings,
			   findings_count(&fixtures[i]));
	}
}

static char *excerpt_of(const char *name, size_t index, uint64_t *ret_line)
{
	size_t length = 0, count;
	cleanup_free char *text = load(name, &length);
	const struct finding *items;
	struct kernel_log *log;
	char *excerpt = NULL;

	if (!text)
		return NULL;
	log = scan(text, length, length);
	kernel_log_findings(log, &items, &count);
	if (test_check(index < count)) {
		excerpt = string_copy(items[index].excerpt);
		if (ret_line)
			*ret_line = items[index].line;
	}
	kernel_log_free(log);
	return excerpt;
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

static void test_excerpts(void)
{
	uint64_t line = 0;
	cleanup_free char *warning = excerpt_of("warning-refcount", 0, &line);
	cleanup_free char *oom = excerpt_of("oom-kill", 0, NULL);
	cleanup_free char *held = excerpt_of("lockdep-held", 0, NULL);
	cleanup_free char *kasan = excerpt_of("kasan-out-of-bounds", 0, NULL);

	if (!warning || !oom || !held || !kasan)
		return;
	/* The message before "WARNING:" belongs to it; what follows does not. */
	CU_ASSERT_PTR_NOT_NULL(strstr(warning, "cut here"));
	CU_ASSERT_PTR_NOT_NULL(strstr(warning, "refcount_t: underflow"));
	CU_ASSERT_PTR_NOT_NULL(strstr(warning, "end trace"));
	CU_ASSERT_PTR_NULL(strstr(warning, "Power Off"));
	CU_ASSERT_PTR_NULL(strstr(warning, "Trigger a crash"));
	CU_ASSERT_EQUAL(line, 12);
	/* First and last lines of a long report. */
	CU_ASSERT_PTR_NOT_NULL(strstr(oom, "invoked oom-killer"));
	CU_ASSERT_PTR_NOT_NULL(strstr(oom, "Out of memory: Killed process"));
	CU_ASSERT_PTR_NOT_NULL(strstr(oom, "lines left out"));
	CU_ASSERT_PTR_NULL(strstr(oom, "\nKilled\n"));
	CU_ASSERT_EQUAL(count_lines(oom), KERNEL_LOG_EXCERPT_LINES);
	CU_ASSERT_PTR_NOT_NULL(strstr(held, " #0: "));
	CU_ASSERT_PTR_NULL(strstr(held, "random:"));
	CU_ASSERT_PTR_NULL(strstr(kasan, "Disabling lock debugging"));
	CU_ASSERT_PTR_NOT_NULL(strstr(kasan, "======="));
}

static const char stamped_start[] = "[    0.000000] Linux version 7.3.4\n";

static void check_stamped(const char *rest, const struct expected *expected, size_t count)
{
	cleanup_free char *text = string_format("%s%s", stamped_start, rest);

	check_text(text, expected, count);
}

/* What a program prints to the console is not the kernel's word. */
static void test_forged(void)
{
	check_stamped("Kernel panic - not syncing: fake\n", NULL, 0);
	check_stamped("BUG: KASAN: use-after-free in f+0x1/0x2\n", NULL, 0);
	check_stamped("Out of memory: Killed process 1 (a) total-vm:1kB\n", NULL, 0);
	check_stamped("[ 1.0] WARNING: x:1 at f+0x1/0x2, CPU#0: a/1\n", NULL, 0);
	check_stamped("[    1.00000] BUG: x\n", NULL, 0);
	check_stamped("[1.000000] BUG: x\n", NULL, 0);
	check_stamped("<3>BUG: x\n", NULL, 0);
	check_stamped("[T12] BUG: x\n", NULL, 0);
}

static void test_ordinary_messages(void)
{
	check_stamped("[    1.000000] Debug: no BUG: here\n", NULL, 0);
	check_stamped("[    1.000000] WARNING: this old device is slow\n", NULL, 0);
	check_stamped("[    1.000000] [Firmware Bug]: TSC\n", NULL, 0);
	check_stamped("[    1.000000] rcu: Hierarchical RCU implementation.\n", NULL, 0);
	check_stamped("[    1.000000] INFO: task a:1 is blocked on a mutex, but the owner is not found.\n",
		      NULL, 0);
	check_stamped("[    1.000000] a[12]: segfault at 0 ip 00 sp 00 error 4\n", NULL, 0);
	check_stamped("[    1.000000] traps: a[46] general protection fault ip:4011 sp:7f error:0\n",
		      NULL, 0);
	check_stamped("[    1.000000] CPU: 0 UID: 0 PID: 1 Comm: a Not tainted 7.3.4 #1\n",
		      NULL, 0);
	check_stamped("[    1.000000] list: item [#1] and [#2]\n", NULL, 0);
	check_stamped("[    1.000000] oom_reaper: reaped process 12 (a)\n", NULL, 0);
}

static const struct expected one_bug[] = { { FINDING_BUG, "x" } };

/* A stamp ends what a program left unfinished on the line. */
static void test_stamp_in_mid_line(void)
{
	struct strbuf text = STRBUF_INIT;

	check_stamped("progress 10%[    1.000000] BUG: x\n", one_bug, 1);
	check_stamped("<ab[    1.000000] BUG: x\n", one_bug, 1);
	check_stamped("[[    1.000000] BUG: x\n", one_bug, 1);
	check_stamped("[    1.00[    1.000000] BUG: x\n", one_bug, 1);
	check_stamped("<4>[    1.000000][    T1] BUG: x\n", one_bug, 1);
	check_stamped("[123456.000000][   C12] BUG: x\n", one_bug, 1);
	check_stamped("[    T1] BUG: x\n", one_bug, 1);
	for (size_t i = 0; i < 3 * KERNEL_LOG_LINE_MAX; i++)
		strbuf_addc(&text, "[ 0123.]"[i % 8]);
	strbuf_adds(&text, "[    1.000000] BUG: x\n");
	check_stamped(text.data, one_bug, 1);
	strbuf_release(&text);
}

static void test_terminal_bytes(void)
{
	static const char nul[] = "[    0.000000] Linux version\n"
				  "\0[    1.000000] B\0UG: x\n";
	struct kernel_log *log = scan(nul, sizeof(nul) - 1, 3);

	check_findings(log, one_bug, 1);
	kernel_log_free(log);
	check_stamped("\033[1;31m[    1.000000] \033[33mBUG:\033[m x\r\n", one_bug, 1);
	check_stamped("\033]0;title\007[    1.000000] BUG: x\r\n", one_bug, 1);
	check_stamped("\033[12[    1.000000] gone\n[    1.000001] BUG: x", one_bug, 1);
	check_stamped("\033[1\n[    1.000000] BUG: x\n", one_bug, 1);
	check_stamped("[    1.000000] BUG: x\xff\xc3\x01\n",
		      (const struct expected[]){ { FINDING_BUG, "x???" } }, 1);
}

static void test_long_line(void)
{
	struct strbuf text = STRBUF_INIT;
	const struct finding *items;
	struct kernel_log *log;
	size_t count;

	strbuf_adds(&text, "[    1.000000] BUG: ");
	for (size_t i = 0; i < 100000; i++)
		strbuf_addc(&text, 'y');
	strbuf_adds(&text, "\n[    1.000001] next\n");
	log = scan(text.data, text.length, text.length);
	kernel_log_findings(log, &items, &count);
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT_TRUE(strlen(items[0].title) <= 200);
	CU_ASSERT_TRUE(strlen(items[0].excerpt) <=
		       (KERNEL_LOG_LINE_MAX + 1) * KERNEL_LOG_EXCERPT_LINES);
	kernel_log_free(log);
	strbuf_release(&text);
}

static void test_more_than_the_bound(void)
{
	struct strbuf text = STRBUF_INIT;
	const struct finding *items;
	struct kernel_log *log;
	size_t count;

	for (size_t i = 0; i < 1000; i++)
		strbuf_addf(&text, "[%5zu.000000] BUG: Bad rss-counter state mm:%zu\n",
			    i, i);
	log = scan(text.data, text.length, 100);
	kernel_log_findings(log, &items, &count);
	CU_ASSERT_EQUAL(count, KERNEL_LOG_FINDINGS_MAX);
	CU_ASSERT_EQUAL(kernel_log_findings_total(log), 1000);
	kernel_log_free(log);
	strbuf_release(&text);
}

static void test_fatal_at_once(void)
{
	static const char start[] =
		"[    1.000000] Kernel panic - not syncing: x\n[    1.000001] CPU";
	struct kernel_log *log = kernel_log_new();
	const struct finding *items;
	size_t count;

	kernel_log_feed(log, stamped_start, strlen(stamped_start));
	CU_ASSERT_FALSE(kernel_log_has_fatal(log));
	kernel_log_feed(log, start, strlen(start));
	CU_ASSERT_TRUE(kernel_log_has_fatal(log));
	kernel_log_findings(log, &items, &count);
	CU_ASSERT_EQUAL(count, 0);
	kernel_log_free(log);
	kernel_log_free(NULL);
}

static void test_titles_are_normalised(void)
{
	check_stamped("[    1.000000] BUG: Bad thing at ffffffff81234567 cpu 3 of a/77, 0x1f for 22s\n",
		      (const struct expected[]){
			      { FINDING_BUG,
				"Bad thing at ADDR cpu N of a/N, N for Ns" } }, 1);
	check_stamped("[    1.000000] Kernel panic - not syncing: ext4_fs+0x12/0x40: dead facade beef\n",
		      (const struct expected[]){
			      { FINDING_PANIC,
				"Kernel panic: ext4_fs: dead facade beef" } }, 1);
	check_stamped("[    1.000000] BUG kmalloc-64 (Not tainted): Poison overwritten\n",
		      (const struct expected[]){
			      { FINDING_BUG,
				"BUG kmalloc-N (Not tainted): Poison overwritten" } }, 1);
	/* A line that was cut off. */
	check_stamped("[    1.000000] BUG: ",
		      (const struct expected[]){ { FINDING_BUG, "bug" } }, 1);
	/* Older kernels. */
	check_stamped("[    1.000000] WARNING: CPU: 0 PID: 1 at mm/a.c:12 f.isra.0+0x1/0x2\n",
		      (const struct expected[]){ { FINDING_WARNING, "WARNING in f" } }, 1);
	check_stamped("[    1.000000] general protection fault: 0000 [#1] SMP\n"
		      "[    1.000001] RIP: 0010:g+0x1/0x2\n",
		      (const struct expected[]){
			      { FINDING_OOPS, "general protection fault in g" } }, 1);
}

static void test_silence_ends_a_report(void)
{
	static const char text[] =
		"[    1.000000] BUG: scheduling while atomic: a/1/0x2\n"
		"[    1.000001] Call Trace:\n"
		"[    9.000000] unrelated+0x1/0x2\n"
		"[    9.000001]  later+0x1/0x2\n";

	check_stamped(text, (const struct expected[]){
		{ FINDING_BUG, "scheduling while atomic" } }, 1);
}

static void test_taint(void)
{
	check_stamped("[    1.000000] CPU: 0 PID: 1 Comm: a Tainted: G  W  O      7.3\n"
		      "[    1.000001] CPU: 0 PID: 1 Comm: a Tainted: G  W  O      7.3\n"
		      "[    1.000002] Tainted: [W]=WARN, [O]=OOT_MODULE\n",
		      (const struct expected[]){
			      { FINDING_TAINT, "kernel tainted: WO" } }, 1);
	check_stamped("[    1.000000] Tainted: [M]=MACHINE_CHECK\n",
		      (const struct expected[]){
			      { FINDING_TAINT, "kernel tainted: M" } }, 1);
	check_stamped("[    1.000000] m: module license 'X' taints kernel.\n",
		      (const struct expected[]){
			      { FINDING_TAINT, "kernel tainted: P" } }, 1);
	check_stamped("[    1.000000] Untainted: P is fine\n", NULL, 0);
}

static void test_page_init(void)
{
	struct page_init_record record = { 9, 9 };
	size_t length = 0, found = 0;
	cleanup_free char *text = load("clean", &length);
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")))
		found += kernel_log_parse_page_init(line, &record);
	CU_ASSERT_EQUAL(found, 1);
	CU_ASSERT_EQUAL(record.node, 0);
	CU_ASSERT_EQUAL(record.duration_ms, 3);
	CU_ASSERT_TRUE(kernel_log_parse_page_init(
		"<6>[    0.479927][   T42] node 3 deferred pages initialised in 18446744073709551615ms\r",
		&record));
	CU_ASSERT_EQUAL(record.node, 3);
	CU_ASSERT_EQUAL(record.duration_ms, UINT64_MAX);
	CU_ASSERT_TRUE(kernel_log_parse_page_init(
		"node 1 deferred pages initialised in 0ms", &record));
	CU_ASSERT_EQUAL(record.duration_ms, 0);
}

static void test_page_init_refused(void)
{
	static const char *const lines[] = {
		"", "node 0 deferred pages initialised in 12", "node 0",
		"node 0 deferred pages initialised in 12msec",
		"node 0 deferred pages initialised in -1ms",
		"node 0 deferred pages initialised in ms",
		"node x deferred pages initialised in 12ms",
		"node 4294967296 deferred pages initialised in 12ms",
		"node 0 deferred pages initialised in 18446744073709551616ms",
		" node 0 deferred pages initialised in 12ms",
		"init: node 0 deferred pages initialised in 12ms",
		"[    0.1] node 0 deferred pages initialised in 12ms",
	};
	struct page_init_record record = { 7, 8 };

	for (size_t i = 0; i < ARRAY_COUNT(lines); i++)
		CU_ASSERT_FALSE(kernel_log_parse_page_init(lines[i], &record));
	CU_ASSERT_EQUAL(record.node, 7);
	CU_ASSERT_EQUAL(record.duration_ms, 8);
}

TEST_SUITE("kernel_log", { "logs of real kernels, any split", test_fixtures },
	   { "kernels without time stamps", test_fixtures_without_stamps },
	   { "excerpts", test_excerpts },
	   { "programs cannot forge findings", test_forged },
	   { "ordinary messages are none", test_ordinary_messages },
	   { "stamps in mid line", test_stamp_in_mid_line },
	   { "terminal sequences and NULs", test_terminal_bytes },
	   { "over-long lines", test_long_line },
	   { "more findings than are kept", test_more_than_the_bound },
	   { "fatal is known at once", test_fatal_at_once },
	   { "titles are normalised", test_titles_are_normalised },
	   { "silence ends a report", test_silence_ends_a_report },
	   { "taint", test_taint }, { "page init lines", test_page_init },
	   { "page init lines refused", test_page_init_refused })
