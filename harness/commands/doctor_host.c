/* doctor_host.c - what the host offers: acceleration, libvirt, CPUs, memory,
 * disk, and what earlier runs may have left on it.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "accelerator.h"
#include "doctor_checks.h"
#include "files.h"
#include "host_info.h"
#include "kernel_builder.h"
#include "libvirt_host.h"
#include "memory.h"
#include "process.h"
#include "strbuf.h"
#include "supervisor.h"
#include "table.h"

#define QEMU_PROGRAM "qemu-system-x86_64"
#define MEMORY_NEEDED_MIB 1024          /* one small guest and its emulator */
#define CACHE_NEEDED_BYTES (UINT64_C(6) << 30) /* a source, a tree, two kernels */
#define RESULTS_NEEDED_BYTES (UINT64_C(1) << 30)

static void check_accelerator(const struct globals *globals,
			      struct checks *checks)
{
	struct accelerator_probe probe = { .usable = false };

	accelerator_probe(&probe);
	if (probe.usable)
		checks_add(checks, CHECK_OK, "accelerator", NULL, "KVM: %s",
			   probe.reason);
	else if (globals->accelerator == CHOICE_KVM)
		checks_add(checks, CHECK_MISSING, "accelerator",
			   "leave out --accel kvm: auto falls back to TCG",
			   "KVM: %s", probe.reason);
	else
		checks_add(checks, CHECK_NOTE, "accelerator", NULL,
			   "guests run under TCG, because KVM: %s", probe.reason);
}

static void cleanup_host(struct libvirt_host **host)
{
	libvirt_host_close(*host);
}

/* Versions below those that Debian 12 has were never tried. */
static void add_version(const struct globals *globals, const char *version,
			struct checks *checks)
{
	unsigned int libvirt = 0, qemu_major = 0, qemu_minor = 0;

	if (sscanf(version, "libvirt %u.%*u.%*u, QEMU %u.%u", &libvirt,
		   &qemu_major, &qemu_minor) == 3 &&
	    (libvirt < 9 || qemu_major * 100 + qemu_minor < 702))
		checks_add(checks, CHECK_NOTE, "libvirt",
			   "use Debian 12 or later",
			   "%s, through %s: tried from libvirt 9.0 and QEMU 7.2 on",
			   version, globals->uri);
	else
		checks_add(checks, CHECK_OK, "libvirt", NULL, "%s, through %s",
			   version, globals->uri);
}

/* The real thing: opens the driver as a run would. */
static void check_libvirt(const struct globals *globals, struct checks *checks)
{
	cleanup_free char *qemu = process_find_program(QEMU_PROGRAM);
	char folder[] = "/tmp/kerngate-doctor.XXXXXX";
	cleanup_free char *version = NULL;
	struct error err = ERROR_INIT;

	if (!qemu && strcmp(globals->uri, "embed") == 0) {
		checks_add(checks, CHECK_MISSING, "QEMU",
			   "apt-get install qemu-system-x86 (or make deps)",
			   QEMU_PROGRAM " not found");
		return;
	}
	if (!mkdtemp(folder)) {
		checks_add(checks, CHECK_MISSING, "libvirt", "make /tmp writable",
			   "%s: %s", folder, strerror(errno));
		return;
	}
	{
		cleanup_with(cleanup_host) struct libvirt_host *host = NULL;

		if (libvirt_host_open(globals->uri, folder, &host, &err) == 0)
			version = libvirt_host_version(host);
	}
	(void)!folder_remove(folder);
	if (version)
		add_version(globals, version, checks);
	else
		checks_add(checks, CHECK_MISSING, "libvirt",
			   "apt-get install libvirt-daemon libvirt-daemon-driver-qemu (or make deps)",
			   "%s", err.message);
}

static void check_capacity(struct checks *checks)
{
	uint64_t available_mib = host_info_memory_available_mib();
	uint64_t total_mib = host_info_memory_total_mib();
	char available[BYTES_TEXT_MAX], total[BYTES_TEXT_MAX];
	uint32_t cpu_list[GUEST_VCPUS_MAX];
	uint32_t cpus = host_info_cpus(cpu_list, ARRAY_COUNT(cpu_list));
	bool is_small = available_mib < MEMORY_NEEDED_MIB;

	checks_add(checks, CHECK_OK, "CPUs", NULL,
		   "%" PRIu32 ": at most as many measuring vCPUs at a time", cpus);
	checks_add(checks, is_small ? CHECK_MISSING : CHECK_OK, "memory",
		   is_small ? "end other programs, or add memory" : NULL,
		   "%s available of %s%s",
		   bytes_format(available_mib << 20, available),
		   bytes_format(total_mib << 20, total),
		   is_small ? ", too little for a guest" : "");
}

static void check_hugepages(struct checks *checks)
{
	cleanup_free char *count = NULL;

	if (file_read_line("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages",
			   &count) < 0)
		checks_add(checks, CHECK_NOTE, "hugepages", NULL,
			   "the host kernel has none: no guests on hugepages");
	else
		checks_add(checks, CHECK_NOTE, "hugepages", NULL,
			   "%s of 2 MiB reserved (guest shapes may ask for them)",
			   count);
}

/* The folder itself, or what exists above it. Owned. */
static char *nearest_existing(const char *path)
{
	char *place = path_absolute(path);

	while (!path_exists(place) && strcmp(place, "/") != 0) {
		char *parent = path_folder(place);

		free(place);
		place = parent;
	}
	return place;
}

static void check_folder(struct checks *checks, const char *name,
			 const char *path, uint64_t needed_bytes)
{
	cleanup_free char *place = nearest_existing(path);
	cleanup_free char *fix = NULL;
	char text[BYTES_TEXT_MAX], needed[BYTES_TEXT_MAX];
	struct stat info = { .st_uid = 0 };
	uint64_t free_bytes = 0;

	(void)stat(place, &info);
	if (access(place, W_OK | X_OK) < 0) {
		fix = string_format("chown -R %d %s, or choose another by option",
				    (int)getuid(), place);
		checks_add(checks, CHECK_MISSING, name, fix,
			   "%s is not writable for us (owner %d)", place,
			   (int)info.st_uid);
		return;
	}
	if (disk_free_bytes(place, &free_bytes) == 0 &&
	    free_bytes < needed_bytes) {
		checks_add(checks, CHECK_MISSING, name,
			   "make room, or choose another folder by option",
			   "%s free in %s, at least %s are needed",
			   bytes_format(free_bytes, text), path,
			   bytes_format(needed_bytes, needed));
		return;
	}
	if (info.st_uid != getuid() && strcmp(place, path) == 0)
		checks_add(checks, CHECK_NOTE, name, NULL,
			   "%s belongs to user %d: files of two users will mix",
			   path, (int)info.st_uid);
	checks_add(checks, CHECK_OK, name, NULL, "%s free in %s",
		   bytes_format(free_bytes, text), path);
}

static void check_folders(const struct globals *globals, struct checks *checks)
{
	struct kernel_cache *cache = NULL;
	struct error err = ERROR_INIT;

	check_folder(checks, "results", globals->results_dir,
		     RESULTS_NEEDED_BYTES);
	if (kernel_cache_open(globals->cache_path, globals->cache_max_bytes,
			      &cache, &err) < 0) {
		checks_add(checks, CHECK_MISSING, "cache",
			   "choose another folder with --cache", "%s",
			   err.message);
		return;
	}
	check_folder(checks, "cache", kernel_cache_path(cache),
		     CACHE_NEEDED_BYTES);
	kernel_cache_close(cache);
}

/* Text of /proc/PID/FILE with NULs as spaces; owned, "" if gone. */
static char *process_text(const char *pid, const char *file)
{
	cleanup_free char *path = string_format("/proc/%s/%s", pid, file);
	char *text = NULL;
	size_t length = 0;

	if (file_read(path, 1 << 20, &text, &length) < 0)
		return string_copy("");
	for (size_t i = 0; i < length; i++)
		if (text[i] == '\0' || text[i] == '\n')
			text[i] = ' ';
	return text;
}

/* A guest of ours (its files are in a kerngate-vm-* folder) whose parent is
 * no supervisor any more. */
static bool is_orphaned_guest(const char *pid)
{
	cleanup_free char *command = process_text(pid, "cmdline");
	cleanup_free char *stat = NULL, *parent = NULL, *name = NULL;
	const char *fields;
	int parent_pid = 0;

	if (!strstr(command, "qemu-system-") || !strstr(command, "kerngate-vm-"))
		return false;
	stat = process_text(pid, "stat");
	fields = strrchr(stat, ')');
	if (!fields || sscanf(fields + 1, " %*c %d", &parent_pid) != 1)
		return false;
	parent = string_format("%d", parent_pid);
	name = process_text(parent, "comm");
	return strncmp(name, SUPERVISOR_NAME, strlen(SUPERVISOR_NAME)) != 0;
}

static void check_orphans(struct checks *checks)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	cleanup_strbuf struct strbuf fix = STRBUF_INIT;
	size_t count = 0;

	if (folder_list("/proc", &names) < 0)
		return;
	strbuf_adds(&fix, "kill");
	for (size_t i = 0; i < names.count; i++) {
		if (!isdigit((unsigned char)names.items[i][0]) ||
		    !is_orphaned_guest(names.items[i]))
			continue;
		strbuf_addf(&fix, " %s", names.items[i]);
		count++;
	}
	if (count)
		checks_add(checks, CHECK_NOTE, "leftovers", fix.data,
			   "%zu guests without a harness disturb what is measured",
			   count);
	else
		checks_add(checks, CHECK_OK, "leftovers", NULL,
			   "no guest without a harness");
}

void doctor_check_host(const struct globals *globals, struct checks *checks)
{
	check_accelerator(globals, checks);
	check_libvirt(globals, checks);
	check_capacity(checks);
	check_folders(globals, checks);
	check_hugepages(checks);
	check_orphans(checks);
}
