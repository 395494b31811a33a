/* ledger.c - see ledger.h. */
#include "ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#define KLOG_CONSOLE_LEVEL 8     /* syslog(2), SYSLOG_ACTION_CONSOLE_LEVEL */
#define LEVEL_QUIET 1
#define LEVEL_LOUD 7

static void add(struct ledger *ledger, const char *name, uint64_t value)
{
	struct ledger_entry *entry = &ledger->entries[ledger->count++];

	snprintf(entry->name, sizeof(entry->name), "%s", name);
	entry->value = value;
}

static void add_file(struct ledger *ledger, const char *name, const char *path)
{
	add(ledger, name, number_read_or_broken(path));
}

/* References on pinned pages (FOLL_PIN). The counters of the CPUs are folded first:
 * without it each may lag behind by its own threshold. */
static uint64_t pins_read(void)
{
	static char text[65536];
	const char *acquired, *released;
	int result = text_write("/proc/sys/vm/stat_refresh", "1");

	if (result == 0)
		result = text_read("/proc/vmstat", text, sizeof(text));
	if (result < 0)
		workload_broken("the kernel's counters: %s", strerror(-result));
	acquired = strstr(text, "\nnr_foll_pin_acquired ");
	released = strstr(text, "\nnr_foll_pin_released ");
	if (!acquired || !released)
		workload_broken("/proc/vmstat does not count pins");
	return strtoull(strchr(acquired, ' '), NULL, 10) -
	       strtoull(strchr(released, ' '), NULL, 10);
}

uint64_t node_free_pages(unsigned int node)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/hugepages/"
		 "hugepages-2048kB/free_hugepages", node);
	return number_read_or_broken(path);
}

unsigned int nodes_count(void)
{
	unsigned int count = 0;
	char path[128];

	do
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/hugepages",
			 count);
	while (access(path, F_OK) == 0 && ++count < LEDGER_NODES_MAX);
	return count;
}

void ledger_read(struct ledger *ret_ledger, const struct cgroup *group)
{
	struct ledger ledger = { .count = 0 };
	unsigned int nodes = nodes_count(), node;
	char name[48];

	add_file(&ledger, "HugePages_Total", POOL "nr_hugepages");
	add_file(&ledger, "HugePages_Free", POOL "free_hugepages");
	add_file(&ledger, "HugePages_Rsvd", POOL "resv_hugepages");
	add_file(&ledger, "HugePages_Surp", POOL "surplus_hugepages");
	add(&ledger, "pins", pins_read());
	for (node = 0; node < nodes; node++) {
		snprintf(name, sizeof(name), "free huge pages of node %u", node);
		add(&ledger, name, node_free_pages(node));
	}
	if (group) {
		add(&ledger, "hugetlb.2MB.current",
		    cgroup_number_or_broken(group, "hugetlb.2MB.current"));
		add(&ledger, "hugetlb.2MB.rsvd.current",
		    cgroup_number_or_broken(group, "hugetlb.2MB.rsvd.current"));
	}
	*ret_ledger = ledger;
}

void ledger_check(const struct ledger *before, const struct cgroup *group,
		  const char *when)
{
	struct ledger now;
	char text[400] = "";
	size_t length = 0, i;

	ledger_read(&now, group);
	for (i = 0; i < now.count && length < sizeof(text); i++) {
		long long is = (long long)now.entries[i].value;
		long long was = (long long)before->entries[i].value;

		if (is != was)
			length += (size_t)snprintf(text + length, sizeof(text) - length,
				"%s%s is %lld, was %lld (%+lld)", length ? "; " : "",
				now.entries[i].name, is, was, is - was);
	}
	if (length)
		workload_failed("%s: %s", when, text);
}

/* Where the kernel's log ended when the console went quiet. */
static int kmsg_fd = -1;

void console_quiet_begin(void)
{
	kmsg_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg_fd < 0 || lseek(kmsg_fd, 0, SEEK_END) < 0)
		workload_broken("/dev/kmsg: %s", strerror(errno));
	if (klogctl(KLOG_CONSOLE_LEVEL, NULL, LEVEL_QUIET) < 0)
		workload_broken("level of the console: %s", strerror(errno));
}

static bool is_complaint(const char *message)
{
	static const char *const words[] = {
		"WARNING: ", "BUG: ", "Oops: ", "INFO: ", "UBSAN: ",
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(message, words[i]))
			return true;
	return false;
}

void console_quiet_end(char *complaint, size_t size)
{
	char record[8192], *message;
	ssize_t n;

	(void)klogctl(KLOG_CONSOLE_LEVEL, NULL, LEVEL_LOUD);
	complaint[0] = '\0';
	while ((n = read(kmsg_fd, record, sizeof(record) - 1)) > 0) {
		record[n] = '\0';
		message = strchr(record, ';');
		if (message && !*complaint && is_complaint(message))
			snprintf(complaint, size, "%s", message + 1);
	}
	close(kmsg_fd);
	kmsg_fd = -1;
}
