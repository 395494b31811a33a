/* Tests of model/debug_stops.c: where a debugger is told to stop. */
#include <errno.h>
#include <string.h>

#include "debug_stops.h"
#include "test.h"

/* --- words -------------------------------------------------------------------------- */

static void check_stop(const char *text, enum debug_stop_kind kind, const char *row,
		       uint32_t region, uint64_t visit)
{
	struct debug_stop stop = { .kind = DEBUG_STOP_END };
	struct error err = ERROR_INIT;

	if (!test_check(debug_stop_parse(text, &stop, &err) == 0))
		return;
	CU_ASSERT_EQUAL(stop.kind, kind);
	test_check_string(stop.row, row);
	CU_ASSERT_EQUAL(stop.region, region);
	CU_ASSERT_EQUAL(stop.visit, visit);
}

static void test_reads_stops(void)
{
	check_stop("row:3", DEBUG_STOP_ROW, "3", 0, 0);
	check_stop("row:fill-2", DEBUG_STOP_ROW, "fill-2", 0, 0);
	check_stop("round:fill", DEBUG_STOP_ROUND, "fill", 0, 0);
	check_stop("round:2.7", DEBUG_STOP_ROUND, "2", 0, 6);
	check_stop("region:16", DEBUG_STOP_REGION, "", 16, 0);
	check_stop("region:4095:4294967295", DEBUG_STOP_REGION, "", 4095, 4294967294u);
	check_stop("end", DEBUG_STOP_END, "", 0, 0);
}

static void test_refuses_other_words(void)
{
	static const char *const wrong[] = {
		"", "row", "row:", "rows:1", "end ", "END", "round:", "round:.2", "round:1.0",
		"round:1.", "round:1.x", "round:1.4294967296", "region:", "region:0",
		"region:4096", "region:16:", "region:16:0", "region:16:01", "region:16.1",
		"region:x", "region:99999999999999999999",
		"row:0123456789012345678901234567890123456789012345678901234567890123456789",
	};

	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
		struct debug_stop stop = { .visit = 42 };
		struct error err = ERROR_INIT;

		if (!test_check(debug_stop_parse(wrong[i], &stop, &err) == -EINVAL))
			fprintf(stderr, "taken: \"%s\"\n", wrong[i]);
		CU_ASSERT_EQUAL(stop.visit, 42);
		test_check_contains(err.message, wrong[i]);
		test_check_contains(err.message, "expected row:ROW, round:ROW[.M]");
	}
}

static void test_finds_rows(void)
{
	static const char *const names[] = { "fill", "2", "wake" };
	struct error err = ERROR_INIT;
	size_t index = 9;

	CU_ASSERT_EQUAL(debug_stop_find_row("wake", names, 3, &index, &err), 0);
	CU_ASSERT_EQUAL(index, 2);
	CU_ASSERT_EQUAL(debug_stop_find_row("1", names, 3, &index, &err), 0);
	CU_ASSERT_EQUAL(index, 0);
	/* a name goes before a number */
	CU_ASSERT_EQUAL(debug_stop_find_row("2", names, 3, &index, &err), 0);
	CU_ASSERT_EQUAL(index, 1);
	CU_ASSERT_EQUAL(debug_stop_find_row("4", names, 3, &index, &err), -ENOENT);
	test_check_string(err.message, "no row \"4\": expected one of 1 fill, 2 2, 3 wake");
	CU_ASSERT_EQUAL(debug_stop_find_row("x", NULL, 0, &index, &err), -ENOENT);
	CU_ASSERT_EQUAL(index, 1);
}

/* --- functions of the kernel ---------------------------------------------------------- */

static const char system_map[] =
	"ffffffff81000000 T _text\n"
	"ffffffff8104da50 T vpanic\n"
	"ffffffff8104de20 T panic\n"
	"ffffffff8104de30 t panic_other_cpus_shutdown\n"
	"ffffffff8104e150 T __warn\n"
	"ffffffff81050000 T oops_begin\n"
	"ffffffff81060000 t show_regs.isra.0\n"
	"ffffffff81060100 t show_regs.cold\n"
	"ffffffff81070000 D add_taint\n"
	"ffffffff81080000 T __ubsan_handle_out_of_bounds\n"
	"ffffffff81080100 T __ubsan_handle_shift_out_of_bounds\n"
	"ffffffff81090000 W dump_stack";

/* Names of the functions of these kinds, blank between. */
static void check_functions(const enum finding_kind *kinds, size_t count, const char *expected)
{
	cleanup_strbuf struct strbuf names = STRBUF_INIT;
	struct finding findings[4] = { { .title = NULL } };
	struct debug_function *functions;
	size_t functions_count = 99;

	for (size_t i = 0; i < count; i++)
		findings[i].kind = kinds[i];
	functions = debug_functions_find(system_map, findings, count, &functions_count);
	for (size_t i = 0; i < functions_count; i++)
		strbuf_addf(&names, "%s%s@%lx", i ? " " : "", functions[i].name,
			    (unsigned long)(functions[i].address & 0xffffff));
	test_check_string(names.data, expected);
	debug_functions_free(functions, functions_count);
}

#define KINDS(...)                                                             \
	(const enum finding_kind[]){ __VA_ARGS__ },                            \
		sizeof((const enum finding_kind[]){ __VA_ARGS__ }) /           \
			sizeof(enum finding_kind)

static void test_finds_functions(void)
{
	check_functions(KINDS(FINDING_PANIC), "vpanic@4da50");
	check_functions(KINDS(FINDING_WARNING, FINDING_PANIC, FINDING_WARNING),
			"__warn@4e150 vpanic@4da50");
	/* what the compiler calls otherwise, but not its cold part */
	check_functions(KINDS(FINDING_SOFT_LOCKUP), "show_regs.isra.0@60000 dump_stack@90000");
	/* each once; data is no function */
	check_functions(KINDS(FINDING_BUG, FINDING_OOPS), "oops_begin@50000 dump_stack@90000");
	check_functions(KINDS(FINDING_UBSAN),
			"__ubsan_handle_out_of_bounds@80000 "
			"__ubsan_handle_shift_out_of_bounds@80100");
}

static void test_finds_no_functions(void)
{
	size_t count = 99;

	check_functions(KINDS(FINDING_KASAN, FINDING_TAINT, FINDING_LOCKDEP), "");
	CU_ASSERT_PTR_NULL(debug_functions_find("", &(struct finding){ .kind = FINDING_PANIC }, 1,
						&count));
	CU_ASSERT_EQUAL(count, 0);
	count = 99;
	CU_ASSERT_PTR_NULL(debug_functions_find("\n\nffffffff T\ng T vpanic\n",
						&(struct finding){ .kind = FINDING_PANIC }, 1,
						&count));
	CU_ASSERT_EQUAL(count, 0);
}

/* --- gdb's commands ----------------------------------------------------------------------- */

static void test_writes_commands(void)
{
	cleanup_strbuf struct strbuf script = STRBUF_INIT;
	static const uint64_t addresses[] = { 0x401abc, 0x402000 };
	char name[] = "vpanic";

	debug_script_add_functions(
		&script,
		&(struct debug_function){ .name = name, .address = UINT64_C(0xffffffff8104da50) },
		1);
	debug_script_add_marker(&script, 0x4b470001, addresses, 2, 3);
	debug_script_add_run(&script, "before row 4 (wake)");
	test_check_string(script.data,
			  "hbreak *(0xffffffff8104da50 + $kerngate_offset) if $kerngate_there = 1\n"
			  "set $kerngate_hits = 0\n"
			  "hbreak *0x401abc if *(unsigned long *)0x401abc == 0x4b47000100841f0f"
			  " && $kerngate_hits++ >= 3 && ($kerngate_there = 1)\n"
			  "hbreak *0x402000 if *(unsigned long *)0x402000 == 0x4b47000100841f0f"
			  " && $kerngate_hits++ >= 3 && ($kerngate_there = 1)\n"
			  "set $kerngate_there = 0\n"
			  "continue\n"
			  "delete\n"
			  "if $kerngate_there\n"
			  "echo stopped: before row 4 (wake)\\n\n"
			  "end\n");
	strbuf_reset(&script);
	debug_script_add_run(&script, NULL);
	test_check_string(script.data, "set $kerngate_there = 0\ncontinue\ndelete\n");
}

static void test_writes_commands_for_moved_kernels(void)
{
	cleanup_strbuf struct strbuf script = STRBUF_INIT;

	debug_script_begin(&script);
	debug_script_add_offset(&script, UINT64_C(0xffffffff81000aa0));
	debug_script_add_symbols(&script, "symbol-file", "/a b/vmlinux");
	debug_script_add_word(&script, "there");
	debug_script_add_word(&script, NULL);
	test_check_string(script.data,
			  "set pagination off\n"
			  "set confirm off\n"
			  "set $kerngate_offset = 0\n"
			  "set $kerngate_offset = "
			  "((unsigned long)*(unsigned int *)((0xfffffe0000000000 + 14 * 16) + 8) << 32)"
			  " + ((unsigned long)*(unsigned short *)((0xfffffe0000000000 + 14 * 16) + 6)"
			  " << 16) + *(unsigned short *)(0xfffffe0000000000 + 14 * 16)"
			  " - 0xffffffff81000aa0\n"
			  "eval \"symbol-file \\\"/a b/vmlinux\\\" -o 0x%lx\", "
			  "(unsigned long)$kerngate_offset\n"
			  "echo stopped: there\\n\n");
}

static void test_finds_addresses(void)
{
	CU_ASSERT_EQUAL(debug_function_address(system_map, "panic"), 0xffffffff8104de20);
	CU_ASSERT_EQUAL(debug_function_address(system_map, "dump_stack"), 0xffffffff81090000);
	CU_ASSERT_EQUAL(debug_function_address(system_map, "show_regs"), 0);
	CU_ASSERT_EQUAL(debug_function_address(system_map, "add_taint"), 0);
	CU_ASSERT_EQUAL(debug_function_address("", "panic"), 0);
}

TEST_SUITE("debug_stops",
	   {"reads stops", test_reads_stops},
	   {"refuses other words", test_refuses_other_words},
	   {"finds rows", test_finds_rows},
	   {"finds functions", test_finds_functions},
	   {"finds no functions", test_finds_no_functions},
	   {"writes commands", test_writes_commands},
	   {"writes commands for moved kernels", test_writes_commands_for_moved_kernels},
	   {"finds addresses", test_finds_addresses})
