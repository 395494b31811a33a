/* test_guest_records.c - the parts of the guest's PID 1 that read what others
 * wrote: workload records, the plan, and kernel arguments of exact mode. Their
 * files are compiled in here; the encoder comes with test_guest_frame.c.
 */
#include <fcntl.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "strbuf.h"
#include "test.h"

#include "../../../workloads/runtime/init_exact.c"
#include "../../../workloads/runtime/init_plan.c"
#include "../../../workloads/runtime/init_port.c"
#include "../../../workloads/runtime/init_records.c"

/* Of init_system.c, which also powers machines off. */
int system_read_text(const char *path, char *text, size_t size)
{
	cleanup_free char *data = NULL;
	size_t length = 0;
	int r = file_read(path, size - 1, &data, &length);

	if (r < 0)
		return r;
	memcpy(text, data, length + 1);
	return (int)length;
}

/* Of init_system.c too: values of kernel arguments; NULL: not given. */
static const char *phase_argument, *jitter_argument;

bool system_kernel_argument(const char *name, char *value, size_t size)
{
	const char *given = strcmp(name, "kerngate.phase") ? jitter_argument :
							     phase_argument;

	if (!given)
		return false;
	snprintf(value, size, "%s", given);
	return true;
}

/* Sends records as row 5; *ret_lines are the lines without their checksums. */
static void send_records(const char *text, size_t length,
			 struct row_outcome *ret_outcome, struct strvec *ret_lines)
{
	cleanup_free char *path = path_join(test_temp_folder(), "port");
	cleanup_free char *sent = NULL;
	struct records records = { .data = (char *)text, .length = length };
	struct port port = { .fd = -1 };
	char *line, *state = NULL;

	CU_ASSERT_EQUAL(file_write_atomic(path, "", 0, 0600), 0);
	if (!test_check(port_open(&port, path) == 0))
		return;
	records_send(&records, &port, 5, ret_outcome);
	port_drain(&port);
	close(port.fd);
	if (!test_check(file_read(path, 1 << 24, &sent, NULL) == 0))
		return;
	for (line = strtok_r(sent, "\n", &state); line;
	     line = strtok_r(NULL, "\n", &state)) {
		line[strlen(line) - strlen(" 01234567")] = '\0';
		strvec_push(ret_lines, line);
	}
}

static void test_good_records(void)
{
	static const char text[] =
		"sample a_ns 1\nsample a_ns 2.5\nsample b 3\nsample a_ns -1e300\n"
		"artifact x.json 7\nline\n\n\n"
		"artifact empty 0\n"
		"outcome failed it \"broke\"\n";
	static const char *const expected[] = {
		"KG1 0 sample {\"row\":5,\"metric\":\"a_ns\",\"first\":0,\"values\":"
		"[1,2.5]}",
		"KG1 1 sample {\"row\":5,\"metric\":\"b\",\"first\":0,\"values\":[3]}",
		"KG1 2 sample {\"row\":5,\"metric\":\"a_ns\",\"first\":2,\"values\":"
		"[-1.0000000000000001e+300]}",
		"KG1 3 artifact {\"row\":5,\"name\":\"x.json\",\"offset\":0,"
		"\"total\":7,\"data\":\"bGluZQoKCg==\"}",
		"KG1 4 artifact {\"row\":5,\"name\":\"empty\",\"offset\":0,"
		"\"total\":0,\"data\":\"\"}",
	};
	cleanup_strvec struct strvec lines = STRVEC_INIT;
	struct row_outcome outcome;

	send_records(text, strlen(text), &outcome, &lines);
	test_check_string(outcome.outcome, "failed");
	test_check_string(outcome.reason, "it \"broke\"");
	if (!test_check(lines.count == ARRAY_COUNT(expected)))
		return;
	for (size_t i = 0; i < ARRAY_COUNT(expected); i++)
		test_check_string(lines.items[i], expected[i]);
}

/* What stands first goes out at once, and is gone; what is left are records. */
static void test_requests(void)
{
	static const struct {
		const char *text, *line, *left;
	} cases[] = {
		{ "request dimm 1024\nsample a_ns 1\n",
		  "KG1 0 request {\"row\":5,\"device\":\"dimm\",\"size_mib\":1024}",
		  "sample a_ns 1\n" },
		{ "request dimm 7\nrequest di", "KG1 0 request {\"row\":5,\"device\":"
		  "\"dimm\",\"size_mib\":7}", "request di" },
		{ "sample a_ns 1\nrequest dimm 7\n", NULL, "sample a_ns 1\nrequest dimm 7\n" },
		{ "request dimm -7\n", NULL, "request dimm -7\n" },
		{ "request dimm 7x\n", NULL, "request dimm 7x\n" },
		{ "request dimm 99999999999999999999\n", NULL,
		  "request dimm 99999999999999999999\n" },
		{ "request D\"MM 7\n", NULL, "request D\"MM 7\n" },
		{ "request dimm\n", NULL, "request dimm\n" },
		{ "request ", NULL, "request " },
		{ "", NULL, "" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_free char *path = path_join(test_temp_folder(), "port");
		cleanup_free char *sent = NULL;
		cleanup_free char *data = string_copy(cases[i].text);
		struct records records = { .data = data, .length = strlen(data) };
		struct port port = { .fd = -1 };

		CU_ASSERT_EQUAL(file_write_atomic(path, "", 0, 0600), 0);
		if (!test_check(port_open(&port, path) == 0))
			return;
		records_pass_requests(&records, &port, 5);
		close(port.fd);
		CU_ASSERT_EQUAL(port.sequence, cases[i].line ? 1 : 0);
		CU_ASSERT_EQUAL(file_read(path, 4096, &sent, NULL), 0);
		if (strlen(sent) > strlen(" 01234567\n"))
			sent[strlen(sent) - strlen(" 01234567\n")] = '\0';
		test_check_string(sent, cases[i].line ? cases[i].line : "");
		CU_ASSERT_EQUAL(records.length, strlen(cases[i].left));
		CU_ASSERT_EQUAL(memcmp(data, cases[i].left, strlen(cases[i].left)), 0);
	}
}

/* Many samples make few lines, none too long and none lost. */
static void test_dense_samples(void)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	cleanup_strvec struct strvec lines = STRVEC_INIT;
	struct row_outcome outcome;
	size_t commas = 0;

	for (int i = 0; i < 5000; i++)
		strbuf_addf(&text, "sample a_ns %d\n", 1000000 + i);
	strbuf_adds(&text, "outcome passed\n");
	send_records(text.data, text.length, &outcome, &lines);
	test_check_string(outcome.outcome, "passed");
	test_check_string(outcome.reason, "");
	CU_ASSERT_TRUE(lines.count >= 10 && lines.count < 12);
	for (size_t i = 0; i < lines.count; i++)
		for (const char *c = strchr(lines.items[i], '['); c && *c; c++)
			commas += *c == ',';
	CU_ASSERT_EQUAL(commas + lines.count, 5000);
}

static void test_bad_records(void)
{
	static const struct {
		const char *text;
		size_t length; /* 0: strlen */
		const char *why;
	} cases[] = {
		{ "", 0, "no outcome" },
		{ "sample a_ns 1\n", 0, "no outcome" },
		{ "outcome passed", 0, "a record cut short" },
		{ "outcome perfect\n", 0, "an unknown outcome" },
		{ "outcome passedly\n", 0, "an unknown outcome" },
		{ "outcome crashed\n", 0, "an unknown outcome" },
		{ "outcome passed\nsample a 1\n", 0, "something after its outcome" },
		{ "outcome passed\noutcome failed\n", 0, "something after" },
		{ "hello\n", 0, "an unknown record" },
		{ "request dimm 128\n", 0, "a request that is none, or came after" },
		{ "sample a 1\nrequest dimm 128\noutcome passed\n", 0, "a request that" },
		{ "\n", 0, "an unknown record" },
		{ "sample\n", 0, "an unknown record" },
		{ "sample a_ns\n", 0, "without a metric's name" },
		{ "sample  1\n", 0, "without a metric's name" },
		{ "sample A 1\n", 0, "without a metric's name" },
		{ "sample a\" 1\n", 0, "without a metric's name" },
		{ "sample a \n", 0, "no finite number" },
		{ "sample a nan\n", 0, "no finite number" },
		{ "sample a inf\n", 0, "no finite number" },
		{ "sample a 1e999\n", 0, "no finite number" },
		{ "sample a 1 2\n", 0, "no finite number" },
		{ "sample a one\n", 0, "no finite number" },
		{ "artifact x\n", 0, "an artifact without a name" },
		{ "artifact a/b 1\nx", 0, "an artifact without a name" },
		{ "artifact x 5\nabcd", 0, "an artifact cut short" },
		{ "artifact x -1\n", 0, "an artifact cut short" },
		{ "artifact x 1x\nx", 0, "an artifact cut short" },
		{ "artifact x 99999999999999999999\n", 0, "an artifact cut short" },
		{ "\0outcome passed\n", 16, "a record that is no text" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_strvec struct strvec lines = STRVEC_INIT;
		struct row_outcome outcome;
		size_t length = cases[i].length ? cases[i].length :
						  strlen(cases[i].text);

		send_records(cases[i].text, length, &outcome, &lines);
		test_check_string(outcome.outcome, "broken");
		test_check_contains(outcome.reason, "the workload sent ");
		test_check_contains(outcome.reason, cases[i].why);
	}
}

static void test_long_record(void)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	cleanup_strvec struct strvec lines = STRVEC_INIT;
	struct row_outcome outcome;

	strbuf_adds(&text, "outcome failed ");
	for (int i = 0; i < 2000; i++)
		strbuf_addc(&text, 'x');
	strbuf_addc(&text, '\n');
	send_records(text.data, text.length, &outcome, &lines);
	test_check_string(outcome.reason,
			  "the workload sent a record that is no text");
}

/* Only so much is kept; the rest is read and dropped. */
static void test_overflow(void)
{
	cleanup_free char *path = path_join(test_temp_folder(), "flood");
	cleanup_free char *flood = memory_alloc(RECORDS_MAX_BYTES + 1);
	struct records records = { .data = NULL };
	struct row_outcome outcome;
	struct port port = { .fd = -1 };

	memset(flood, 'x', RECORDS_MAX_BYTES + 1);
	CU_ASSERT_EQUAL(file_write_atomic(path, flood, RECORDS_MAX_BYTES + 1, 0600),
			0);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	CU_ASSERT_FALSE(records_read(&records, fd));
	CU_ASSERT_TRUE(records.overflow);
	records_send(&records, &port, 0, &outcome);
	test_check_string(outcome.reason, "the workload sent more than it may");
	records_release(&records);
	CU_ASSERT_PTR_NULL(records.data);
}

static bool plan_of(const char *text, struct plan *plan, char reason[256])
{
	cleanup_free char *path = path_join(test_temp_folder(), "plan");

	CU_ASSERT_EQUAL(file_write_atomic(path, text, strlen(text), 0600), 0);
	return plan_load(path, plan, reason, 256);
}

static void test_plan(void)
{
	char reason[256] = "";
	struct plan plan;

	if (test_check(plan_of("plan 1\ntrial t-1\nsysctl a.b=1 2\n"
			       "row fill hugetlb 60 a=1 b=2\nrow x y 1\nend\n",
			       &plan, reason))) {
		test_check_string(plan.trial, "t-1");
		CU_ASSERT_EQUAL(plan.sysctls_count, 1);
		test_check_string(plan.sysctls[0], "a.b=1 2");
		CU_ASSERT_EQUAL(plan.rows_count, 2);
		test_check_string(plan.rows[0].program.workload, "hugetlb");
		CU_ASSERT_EQUAL(plan.rows[0].timeout_s, 60);
		CU_ASSERT_EQUAL(plan.rows[0].program.arguments_count, 2);
		test_check_string(plan.rows[0].program.arguments[1], "b=2");
		CU_ASSERT_PTR_NULL(plan.rows[0].load.workload);
	}
	free(plan.text);
}

static void test_plan_load(void)
{
	char reason[256] = "";
	struct plan plan;

	if (test_check(plan_of("plan 1\ntrial t\nrow a b 1 c=1\nload d e=2 f=3\n"
			       "row g h 1\nrow i j 1\nload k\nend\n", &plan, reason))) {
		CU_ASSERT_EQUAL(plan.rows_count, 3);
		CU_ASSERT_EQUAL(plan.rows[0].program.arguments_count, 1);
		test_check_string(plan.rows[0].load.workload, "d");
		CU_ASSERT_EQUAL(plan.rows[0].load.arguments_count, 2);
		test_check_string(plan.rows[0].load.arguments[0], "e=2");
		CU_ASSERT_PTR_NULL(plan.rows[1].load.workload);
		test_check_string(plan.rows[2].load.workload, "k");
		CU_ASSERT_EQUAL(plan.rows[2].load.arguments_count, 0);
	}
	free(plan.text);
}

static void test_running(void)
{
	static const struct {
		const char *before, *after;
		bool is_running;
	} cases[] = {
		{ "", "", false }, { "runn", "runn", false },
		{ "running\n", "", true }, { "running\nsample a 1\n", "sample a 1\n", true },
		{ "running \n", "running \n", false },
		{ "outcome passed\nrunning\n", "outcome passed\nrunning\n", false },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		char text[64];
		struct records records = { .data = text, .length = strlen(cases[i].before) };

		memcpy(text, cases[i].before, records.length + 1);
		CU_ASSERT_EQUAL(records_take_running(&records), cases[i].is_running);
		CU_ASSERT_EQUAL(records.length, strlen(cases[i].after));
		CU_ASSERT_TRUE(!memcmp(text, cases[i].after, records.length));
	}
}

static void test_plan_refused(void)
{
	static const char *const texts[] = {
		"", "end\n", "plan 2\ntrial t\nend\n", "plan 1\nend\n",
		"plan 1\ntrial t\n", "plan 1\ntrial t\nend\nrow a b 1\n",
		"plan 1\ntrial\nend\n", "plan 1\ntrial t\nrow a b\nend\n",
		"plan 1\ntrial t\nrow a b 0\nend\n",
		"plan 1\ntrial t\nrow a ../b 5\nend\n",
		"plan 1\ntrial t\nsysctl x\nend\n",
		"plan 1\ntrial t\nload a\nend\n",
		"plan 1\ntrial t\nrow a b 1\nload\nend\n",
		"plan 1\ntrial t\nrow a b 1\nload ../c\nend\n",
		"plan 1\ntrial t\nrow a b 1\nload c\nload d\nend\n",
		"plan 1\ntrial t\nnonsense\nend\n", "plan 1\ntrial t\n \nend\n",
	};
	struct plan missing;
	char reason[256] = "";

	for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
		struct plan plan;

		reason[0] = '\0';
		CU_ASSERT_FALSE(plan_of(texts[i], &plan, reason));
		test_check_contains(reason, "/kerngate/plan:");
		free(plan.text);
	}
	CU_ASSERT_FALSE(plan_load("/does/not/exist", &missing, reason, 256));
	test_check_contains(reason, "/does/not/exist");
	free(missing.text);
}

static bool perturbation_of(const char *phase, const char *jitter,
			    struct perturbation *ret_perturbation, char reason[256])
{
	phase_argument = phase;
	jitter_argument = jitter;
	return perturbation_read(ret_perturbation, reason, 256);
}

static void test_perturbation(void)
{
	struct perturbation got;
	char reason[256] = "";

	CU_ASSERT_TRUE(perturbation_of(NULL, NULL, &got, reason));
	CU_ASSERT_TRUE(!got.phase_turns && !got.jitter_us && !got.jitter_seed);
	CU_ASSERT_TRUE(perturbation_of("0", "1,0", &got, reason));
	CU_ASSERT_TRUE(!got.phase_turns && got.jitter_us == 1 && !got.jitter_seed);
	CU_ASSERT_TRUE(perturbation_of("1000000000", "100000,18446744073709551615",
				       &got, reason));
	CU_ASSERT_EQUAL(got.phase_turns, 1000000000);
	CU_ASSERT_EQUAL(got.jitter_us, 100000);
	CU_ASSERT_EQUAL(got.jitter_seed, UINT64_MAX);
	test_check_string(reason, "");
}

static void test_perturbation_refused(void)
{
	static const char *const phases[] = { "", "x", "-1", "+1", " 1", "1 ", "1,2",
					      "1000000001", "99999999999999999999" };
	static const char *const jitters[] = {
		"", "500", "500,", ",1", "0,1", "100001,1", "500,x", "500,1,2",
		"500, 1", "-5,1", "500,-1", "500,18446744073709551616", "500;1",
	};
	const struct perturbation untouched = { .phase_turns = 7 };
	struct perturbation got = untouched;
	char reason[256];

	for (size_t i = 0; i < ARRAY_COUNT(phases); i++) {
		reason[0] = '\0';
		CU_ASSERT_FALSE(perturbation_of(phases[i], NULL, &got, reason));
		test_check_contains(reason, "kernel argument kerngate.phase: expected "
					    "0..1000000000, found '");
		test_check_contains(reason, phases[i]);
	}
	for (size_t i = 0; i < ARRAY_COUNT(jitters); i++) {
		reason[0] = '\0';
		CU_ASSERT_FALSE(perturbation_of("5", jitters[i], &got, reason));
		test_check_contains(reason, "kernel argument kerngate.jitter: expected "
					    "US,SEED with US in 1..100000, found '");
		test_check_contains(reason, jitters[i]);
	}
	CU_ASSERT_EQUAL(got.phase_turns, untouched.phase_turns);
}

/* splitmix64 from 0, as published; another start, other numbers. */
static void test_random(void)
{
	uint64_t state = 0, other = 1;

	CU_ASSERT_EQUAL(random_next(&state), UINT64_C(0xe220a8397b1dcdaf));
	CU_ASSERT_EQUAL(random_next(&state), UINT64_C(0x6e789e6aa1b965f4));
	CU_ASSERT_NOT_EQUAL(random_next(&other), UINT64_C(0xe220a8397b1dcdaf));
}

TEST_SUITE("guest_records", { "good records become lines", test_good_records },
	   { "requests go out at once", test_requests },
	   { "samples are packed", test_dense_samples },
	   { "bad records are refused", test_bad_records },
	   { "a record that is too long", test_long_record },
	   { "a flood of records", test_overflow }, { "a plan", test_plan },
	   { "loads of a plan", test_plan_load }, { "a load that runs", test_running },
	   { "plans refused", test_plan_refused },
	   { "a seed's kernel arguments", test_perturbation },
	   { "kernel arguments refused", test_perturbation_refused },
	   { "random numbers as published", test_random })
