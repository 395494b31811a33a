/* selftest.c - a workload for testing the harness: it behaves, or misbehaves in
 * one chosen way, up to bringing the kernel down. Its metric is a loop whose
 * length can be raised by a known percentage: a real slowdown for a gate to
 * find. It says nothing about a kernel.
 *
 * Kernel arguments kerngate.selftest_act=ACT and
 * kerngate.selftest_slowdown_percent=N (0.5 too) take the place of the parameters,
 * so that one variant of a campaign can be bad and another good.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "line.h"
#include "workload.h"

static int port_fd = -1;

static void port_open(void)
{
	char path[128] = "/dev/ttyS1";

	(void)kernel_argument("kerngate.results", path, sizeof(path));
	port_fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (port_fd < 0)
		workload_broken("%s: %s", path, strerror(errno));
}

static void port_write(const void *data, size_t length)
{
	int result;

	if (port_fd < 0)
		port_open();
	result = line_write(port_fd, data, length);
	if (result < 0)
		workload_broken("result port: %s", strerror(-result));
}

/* A line that is well framed, whatever it says. */
static void forge(const char *kind, const char *json)
{
	struct line line;
	size_t length;

	line_begin(&line, (uint64_t)parameter_number("sequence"), kind);
	line_addf(&line, "%s", json);
	length = line_end(&line);
	port_write(line.text, length);
}

static void act_pass(void)
{
}

static void act_fail(void)
{
	workload_failed("as asked");
}

static void act_skip(void)
{
	workload_skipped("as asked");
}

static void act_broken(void)
{
	workload_broken("as asked");
}

static void act_crash(void)
{
	raise(SIGSEGV);
}

static void act_exit(void)
{
	_exit(3);
}

static void act_hang(void)
{
	for (;;)
		pause();
}

/* A child that outlives us and keeps our pipe open. */
static void act_orphan(void)
{
	if (fork() == 0) {
		setsid();
		act_hang();
	}
}

static void act_flood_records(void)
{
	static char text[65536];

	memset(text, 'x', sizeof(text));
	for (;;)
		if (line_write(3, text, sizeof(text)) < 0)
			return;
}

static void act_flood(void)
{
	static char text[4096];

	memset(text, 'x', sizeof(text));
	for (;;)
		port_write(text, sizeof(text));
}

static void act_flood_lines(void)
{
	struct line line;
	uint64_t sequence = (uint64_t)parameter_number("sequence");

	for (;; sequence++) {
		line_begin(&line, sequence, "evidence");
		line_addf(&line, "{\"row\":0,\"wall_ns\":0,\"steal_ns\":0,"
			  "\"context_switches_count\":0,\"interrupts_count\":0}");
		port_write(line.text, line_end(&line));
	}
}

static void act_flood_console(void)
{
	static const char text[] = "selftest: flooding the console\n";

	for (;;)
		(void)line_write(STDERR_FILENO, text, sizeof(text) - 1);
}

static void act_malformed(void)
{
	port_write("this is no line\n", 16);
}

static void act_binary(void)
{
	unsigned char bytes[256];
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	port_write(bytes, sizeof(bytes));
}

static void act_bad_crc(void)
{
	port_write("KG1 2 row {\"row\":0,\"name\":\"x\"} 00000000\n", 41);
}

static void act_truncated(void)
{
	port_write("KG1 2 sample {\"row\":0,", 22);
	(void)reboot(RB_POWER_OFF);
}

static void act_oversized(void)
{
	static char text[LINE_BYTES_MAX + 1];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\n';
	port_write(text, sizeof(text));
}

static void act_nan(void)
{
	forge("sample", "{\"row\":0,\"metric\":\"spin_ns\",\"first\":0,\"values\":[NaN]}");
}

static void act_infinite(void)
{
	forge("sample", "{\"row\":0,\"metric\":\"spin_ns\",\"first\":0,\"values\":[1e999]}");
}

static void act_negative(void)
{
	forge("sample", "{\"row\":0,\"metric\":\"spin_ns\",\"first\":0,\"values\":[-1]}");
}

static void act_undeclared(void)
{
	forge("sample", "{\"row\":0,\"metric\":\"made_up\",\"first\":0,\"values\":[1]}");
}

static void act_wrong_trial(void)
{
	forge("hello", "{\"protocol\":1,\"trial\":\"another\","
	      "\"kernel_release\":\"0\",\"cpus_count\":1,\"memory_mib\":1,"
	      "\"rows_count\":1}");
}

static void act_wrong_row(void)
{
	forge("outcome", "{\"row\":7,\"outcome\":\"passed\"}");
}

static void act_early_end(void)
{
	forge("end", "{\"lines\":2}");
}

static void act_panic(void)
{
	text_write_or_broken("/proc/sysrq-trigger", "c");
	act_hang();
}

/* Through lkdtm where the kernel has it; else its words through the log. */
static void provoke(const char *crash_point, const char *const *words)
{
	size_t i;

	if (text_write("/sys/kernel/debug/provoke-crash/DIRECT", crash_point) == 0)
		return;
	(void)text_write("/proc/sys/kernel/printk_devkmsg", "on");
	for (i = 0; words[i]; i++)
		text_write_or_broken("/dev/kmsg", "<4>%s", words[i]);
}

static void act_warn(void)
{
	static const char *const words[] = {
		"------------[ cut here ]------------",
		"WARNING: CPU: 0 PID: 80 at kernel/kerngate/selftest.c:1 "
		"selftest_warn+0x10/0x20",
		"---[ end trace 0000000000000000 ]---", NULL,
	};

	provoke("WARNING", words);
}

static void act_oops(void)
{
	static const char *const words[] = {
		"BUG: kernel NULL pointer dereference, address: 0000000000000000",
		"Oops: Oops: 0002 [#1] SMP",
		"RIP: 0010:selftest_oops+0x10/0x20",
		"---[ end trace 0000000000000000 ]---", NULL,
	};

	provoke("EXCEPTION", words);
}

static void act_oom(void)
{
	const size_t step = 16u << 20;

	for (;;) {
		char *memory = mmap(NULL, step, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			workload_broken("mmap: %s", strerror(errno));
		memset(memory, 1, step);
	}
}

/* Halts the machine: QEMU lives on and never says a word. */
static void act_silent(void)
{
	(void)reboot(RB_HALT_SYSTEM);
}

static void act_reboot(void)
{
	(void)reboot(RB_AUTOBOOT);
}

/* Known counts, for tests of the counting plugin: nothing, a thousand no-ops, and
 * a loop of a million turns with two instructions each, and one before it. */
static void act_regions(void)
{
	workload_region_begin(MARKER_REGION_OWN);
	workload_region_end(MARKER_REGION_OWN);
	workload_region_begin(MARKER_REGION_OWN + 1);
	__asm__ volatile(".rept 1000\n\tnop\n\t.endr");
	workload_region_end(MARKER_REGION_OWN + 1);
	workload_region_begin(MARKER_REGION_OWN + 2);
	__asm__ volatile("mov $1000000, %%eax\n1:\n\tsub $1, %%eax\n\tjnz 1b"
			 : : : "eax", "cc");
	workload_region_end(MARKER_REGION_OWN + 2);
}

/* Takes random numbers of the host into what it does and says: exact mode must
 * notice. Only in a guest with such a device. */
static void act_unrepeatable(void)
{
	uint64_t number = 0;
	int fd = open("/dev/hwrng", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		workload_broken("/dev/hwrng: %s", strerror(errno));
	if (read(fd, &number, sizeof(number)) < 0)
		workload_broken("/dev/hwrng: %s", strerror(errno));
	close(fd);
	fprintf(stderr, "selftest: by chance %016llx\n", (unsigned long long)number);
}

#define ACTS(x)                                                                \
	x(pass) x(fail) x(skip) x(broken) x(crash) x(exit) x(hang) x(orphan)   \
	x(flood_records) x(flood) x(flood_lines) x(flood_console) x(malformed) \
	x(binary) x(bad_crc) x(truncated) x(oversized) x(nan) x(infinite)      \
	x(negative) x(undeclared) x(wrong_trial) x(wrong_row) x(early_end)     \
	x(panic) x(warn) x(oops) x(oom) x(silent) x(reboot) x(regions)         \
	x(unrepeatable)
#define ACT_NAME(name) #name,
#define ACT_ENTRY(name) { #name, act_##name },

static const char *const act_names[] = { ACTS(ACT_NAME) NULL };

static const struct {
	const char *name;
	void (*perform)(void);
} acts[] = { ACTS(ACT_ENTRY) };

static uint64_t loops_count;

static void setup(void)
{
	double percent = (double)parameter_number("slowdown_percent");
	double loops = (double)parameter_number("loops");
	char text[32], *end = text;

	if (kernel_argument("kerngate.selftest_slowdown_percent", text,
			    sizeof(text))) {
		percent = strtod(text, &end);
		if (end == text || *end || !(percent >= 0 && percent <= 10000))
			workload_broken("kerngate.selftest_slowdown_percent=%s: "
					"expected a number from 0 to 10000", text);
	}
	loops_count = (uint64_t)(loops + loops * percent / 100);
}

static void act_once(void)
{
	char name[32];
	size_t i;

	snprintf(name, sizeof(name), "%s", parameter_word("act"));
	(void)kernel_argument("kerngate.selftest_act", name, sizeof(name));
	/* Some acts end the machine they run on. */
	if (strcmp(name, "pass") != 0 && access("/kerngate/plan", F_OK) < 0)
		workload_broken("act %s is only for a guest", name);
	for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (!strcmp(acts[i].name, name)) {
			acts[i].perform();
			return;
		}
	workload_broken("no act is called %s", name);
}

static void measure(uint32_t round)
{
	uint64_t start_ns = clock_now_ns(), i;

	for (i = 0; i < loops_count; i++)
		__asm__ volatile("" : : : "memory");
	sample_add("spin_ns", (double)(clock_now_ns() - start_ns));
	if (round == 0)
		act_once();
}

/* --- as a load: it behaves, or misbehaves ------------------------------------------- */

#define LOAD_ENDS_NS 1000000000u
#define LOAD_EXIT_STATUS 7

static void load(void)
{
	const char *act = parameter_word("load_act");
	uint64_t start_ns = clock_now_ns();

	if (!strcmp(act, "idle"))
		act_hang();
	if (!strcmp(act, "stay"))
		(void)signal(SIGTERM, SIG_IGN);
	while (strcmp(act, "end") || clock_now_ns() - start_ns < LOAD_ENDS_NS)
		;
	fprintf(stderr, "as asked\n");
	_exit(LOAD_EXIT_STATUS);
}

static uint32_t load_tasks(void)
{
	return 1;
}

static void load_ended(int status, const char *message)
{
	(void)status;
	(void)message;
	artifact_add("load.selftest", "spun\n", 5);
}

static const char *const load_acts[] = { "spin", "idle", "end", "stay", NULL };
static const char *const load_parameters[] = { "load_act", NULL };

const struct workload workload = {
	.name = "selftest",
	.purpose = "Tests of the harness itself: behaves, or misbehaves as asked",
	.metrics = (const struct metric[]){
		{ "spin_ns", "ns", "lower", "time", false,
		  "A loop of a given number of turns" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "act", 0, 0, act_names, "pass", "What to do in the first round" },
		{ "rounds", 1, 1000000, NULL, "10", "Rounds that count" },
		{ "loops", 1, 1000000000, NULL, "1000000", "Turns of the loop" },
		{ "slowdown_percent", 0, 10000, NULL, "0", "Turns added" },
		{ "sequence", 0, 1000000, NULL, "2",
		  "Number of the next result line, for acts that forge one (2: in "
		  "the first row of a suite)" },
		{ "load_act", 0, 0, load_acts, "spin",
		  "What it does as a load; end: after a second, with status 7" },
		{ .name = NULL },
	},
	.needs_vcpus = 1,
	.is_counted = true,
	.warmup_rounds = 1,
	.setup = setup,
	.measure = measure,
	.load_parameters = load_parameters,
	.load = load,
	.load_tasks = load_tasks,
	.load_ended = load_ended,
};
