/* host_info.c - reads /proc and /sys. It changes nothing on the host and judges
 * nothing but whether a trial was disturbed.
 */
#include "host_info.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "clock.h"
#include "files.h"
#include "host_cgroup.h"
#include "memory.h"
#include "supervisor.h"

#define PROC_TEXT_MAX (1u << 20)
#define STEAL_RATIO_MAX 0.05
#define OTHERS_CPUS_MAX 0.5
#define PRESSURE_RATIO_MAX 0.01

/* --- fingerprint ------------------------------------------------------------- */

/* Value of the first "key<blanks><separator> value" line; owned or NULL. */
static char *find_value(const char *text, const char *key, char separator)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		const char *value;

		line += *line == '\n';
		if (strncmp(line, key, length) != 0)
			continue;
		value = line + length;
		value += strspn(value, " \t");
		if (*value++ != separator)
			continue;
		value += strspn(value, " \t\"");
		return string_copy_n(value, strcspn(value, "\"\n"));
	}
	return NULL;
}

/* Owned; "unknown" if the file or the key is missing. */
static char *value_in_file(const char *path, const char *key, char separator)
{
	cleanup_free char *text = NULL;
	char *value = NULL;

	if (file_read(path, PROC_TEXT_MAX, &text, NULL) == 0)
		value = find_value(text, key, separator);
	return value ? value : string_copy("unknown");
}

void host_info_fingerprint(struct strvec *ret_lines)
{
	cleanup_free char *model =
		value_in_file("/proc/cpuinfo", "model name", ':');
	cleanup_free char *distribution =
		value_in_file("/etc/os-release", "PRETTY_NAME", '=');
	struct utsname host = { .release = "unknown", .machine = "unknown" };
	uint32_t cpus[CPU_SETSIZE];

	(void)uname(&host);
	strvec_pushf(ret_lines, "architecture=%s", host.machine);
	strvec_pushf(ret_lines, "cpu_model=%s", model);
	strvec_pushf(ret_lines, "cpus=%u", host_info_cpus(cpus, CPU_SETSIZE));
	strvec_pushf(ret_lines, "distribution=%s", distribution);
	strvec_pushf(ret_lines, "kernel_release=%s", host.release);
	strvec_pushf(ret_lines, "memory_mib=%" PRIu64,
		     host_info_memory_total_mib());
	strvec_sort(ret_lines);
}

/* --- capacity ------------------------------------------------------------------ */

uint32_t host_info_cpus(uint32_t *ret_cpus, uint32_t max)
{
	uint32_t allowed = host_cgroup_cpus("");
	uint32_t count = 0;
	cpu_set_t set;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		CPU_SET(0, &set);
	if (max > allowed)
		max = allowed;
	for (uint32_t cpu = 0; cpu < CPU_SETSIZE && count < max; cpu++)
		if (CPU_ISSET(cpu, &set))
			ret_cpus[count++] = cpu;
	return count;
}

static uint64_t meminfo_mib(const char *key)
{
	cleanup_free char *value = value_in_file("/proc/meminfo", key, ':');
	uint64_t kib = 0;

	(void)sscanf(value, "%" SCNu64, &kib);
	return kib / 1024;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t host_info_memory_total_mib(void)
{
	return smaller(meminfo_mib("MemTotal"),
		       host_cgroup_memory_limit_bytes("") >> 20);
}

uint64_t host_info_memory_available_mib(void)
{
	return smaller(meminfo_mib("MemAvailable"),
		       host_cgroup_memory_free_bytes("") >> 20);
}

/* --- CPU time of our own ---------------------------------------------------------- */

struct process_times {
	pid_t pid, parent;
	uint64_t ticks;      /* its own and its reaped children's */
	bool is_own;
	bool is_guest;       /* a QEMU, whoever its parent */
};

static bool read_process(const char *pid_text, struct process_times *ret)
{
	char path[64], text[1024];
	const char *name, *fields;
	uint64_t user, system, children_user, children_system;
	size_t length;
	FILE *file;
	int parent;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid_text);
	file = fopen(path, "re");
	if (!file)
		return false;
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	name = strchr(text, '(');
	fields = strrchr(text, ')');
	if (!name || !fields ||
	    sscanf(fields + 1,
		   " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64
		   " %" SCNu64 " %" SCNu64 " %" SCNu64, &parent, &user,
		   &system, &children_user, &children_system) != 5)
		return false;
	ret->pid = (pid_t)atoi(pid_text);
	ret->parent = parent;
	ret->ticks = user + system + children_user + children_system;
	/* Cut at 15 characters: qemu-system-x86_64, kerngate-guest-exec. */
	ret->is_guest = strncmp(name, "(qemu-system", 12) == 0 ||
			strncmp(name, "(kerngate-guest", 15) == 0;
	ret->is_own = false;
	return true;
}

static size_t read_processes(struct process_times **ret_items)
{
	struct process_times *items = NULL, item;
	size_t count = 0, capacity = 0;
	const struct dirent *entry;
	DIR *folder = opendir("/proc");

	while (folder && (entry = readdir(folder))) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !read_process(entry->d_name, &item))
			continue;
		if (count == capacity) {
			capacity = capacity ? 2 * capacity : 256;
			items = memory_realloc_array(items, capacity,
						     sizeof(*items));
		}
		items[count++] = item;
	}
	if (folder)
		closedir(folder);
	*ret_items = items;
	return count;
}

/* A child's id may be smaller than its parent's: repeat until nothing is added. */
static void mark_tree(struct process_times *items, size_t count, pid_t top)
{
	bool added = true;

	for (size_t i = 0; i < count; i++)
		items[i].is_own = items[i].pid == top;
	while (added) {
		added = false;
		for (size_t i = 0; i < count; i++)
			for (size_t j = 0; !items[i].is_own && j < count; j++)
				if (items[j].is_own &&
				    items[j].pid == items[i].parent)
					items[i].is_own = added = true;
	}
}

static bool counts_all_guests;

void host_info_count_all_guests(bool all)
{
	counts_all_guests = all;
}

/* The tree below the supervisor holds all guests of the embedded driver, and
 * what it reaped stays in its count. Guests of a daemon, or without a
 * supervisor, are known by their name. */
static uint64_t own_ticks(void)
{
	pid_t above = supervisor_pid();
	cleanup_free struct process_times *items = NULL;
	size_t count = read_processes(&items);
	bool all_guests = counts_all_guests || above == 0;
	uint64_t ticks = 0;

	mark_tree(items, count, above > 0 ? above : getpid());
	for (size_t i = 0; i < count; i++)
		if (items[i].is_own || (all_guests && items[i].is_guest))
			ticks += items[i].ticks;
	return ticks;
}

/* --- evidence --------------------------------------------------------------------- */

bool host_info_parse_stat(const char *text, struct host_sample *ret_sample)
{
	uint64_t user, nice_, system, idle, wait, irq, softirq, steal;

	if (sscanf(text, "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		   " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &user,
		   &nice_, &system, &idle, &wait, &irq, &softirq, &steal) != 8)
		return false;
	ret_sample->cpu_steal = steal;
	ret_sample->cpu_busy = user + nice_ + system + irq + softirq;
	ret_sample->cpu_total = ret_sample->cpu_busy + idle + wait + steal;
	return true;
}

static double read_pressure_us(void)
{
	cleanup_free char *line = NULL;
	const char *total;

	if (file_read_line("/proc/pressure/memory", &line) < 0 ||
	    strncmp(line, "some ", 5) != 0)
		return NAN;
	total = strstr(line, "total=");
	return total ? strtod(total + strlen("total="), NULL) : NAN;
}

void host_info_sample(struct host_sample *ret_sample)
{
	struct host_sample sample = { .cpu_total = 0 };
	cleanup_free char *text = NULL;

	if (file_read("/proc/stat", PROC_TEXT_MAX, &text, NULL) == 0)
		(void)host_info_parse_stat(text, &sample);
	sample.own_ticks = own_ticks();
	sample.pressure_memory_us = read_pressure_us();
	sample.at_ns = clock_monotonic_ns();
	*ret_sample = sample;
}

static double growth(uint64_t before, uint64_t after)
{
	return after > before ? (double)(after - before) : 0.0;
}

static void judge_evidence(struct host_evidence *evidence)
{
	if (evidence->steal_ratio > STEAL_RATIO_MAX)
		evidence->reason = string_format(
			"%.1f %% of the CPU time was stolen from this host",
			100 * evidence->steal_ratio);
	else if (evidence->others_cpus > OTHERS_CPUS_MAX)
		evidence->reason = string_format(
			"other processes kept %.2f CPUs busy",
			evidence->others_cpus);
	else if (evidence->pressure_memory_ratio > PRESSURE_RATIO_MAX)
		evidence->reason = string_format(
			"tasks waited for memory %.1f %% of the time",
			100 * evidence->pressure_memory_ratio);
	evidence->disturbed = evidence->reason != NULL;
}

void host_info_evidence(const struct host_sample *before,
			const struct host_sample *after,
			struct host_evidence *ret_evidence)
{
	struct host_evidence evidence = { .frequency_mhz = NAN };
	double elapsed_s = growth(before->at_ns, after->at_ns) /
			   (double)NS_PER_SECOND;
	double total = growth(before->cpu_total, after->cpu_total);
	double busy = growth(before->cpu_busy, after->cpu_busy);
	double own = growth(before->own_ticks, after->own_ticks);
	double ticks_per_s = (double)sysconf(_SC_CLK_TCK);

	if (total > 0)
		evidence.steal_ratio =
			growth(before->cpu_steal, after->cpu_steal) / total;
	evidence.pressure_memory_ratio = NAN;
	if (elapsed_s > 0) {
		if (busy > own)
			evidence.others_cpus =
				(busy - own) / ticks_per_s / elapsed_s;
		evidence.pressure_memory_ratio =
			(after->pressure_memory_us -
			 before->pressure_memory_us) / (elapsed_s * 1e6);
	}
	judge_evidence(&evidence);
	*ret_evidence = evidence;
}

static bool read_frequency(uint32_t cpu, double *ret_mhz)
{
	cleanup_free char *path = string_format(
		"/sys/devices/system/cpu/cpu%u/cpufreq/scaling_cur_freq", cpu);
	cleanup_free char *text = NULL;
	double khz;

	if (file_read_line(path, &text) < 0 || sscanf(text, "%lf", &khz) != 1)
		return false;
	*ret_mhz = khz / 1000;
	return true;
}

double host_info_frequency_mhz(const uint32_t *cpus, uint32_t count)
{
	double sum = 0, mhz;

	for (uint32_t i = 0; i < count; i++) {
		if (!read_frequency(cpus[i], &mhz))
			return NAN;
		sum += mhz;
	}
	return count ? sum / count : NAN;
}
