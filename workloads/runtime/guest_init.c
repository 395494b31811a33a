/* guest_init.c - PID 1 of a guest: mounts, reads the plan, runs its rows in
 * order, reports each on the result port, powers off. docs/result-format.md has
 * the plan and the lines. Not a general init: whatever happens it goes on to
 * the end line, because what is missing tells the host less than what is said.
 *
 * Kernel arguments: kerngate.shell (a shell on the console instead of the
 * plan), kerngate.results=/dev/ttyS1 (the result port), and of exact mode
 * kerngate.phase=TURNS and kerngate.jitter=US,SEED (init_exact.c).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "init.h"
#include "marker.h"

static void send_hello(struct port *port, const char *trial, size_t rows_count)
{
	struct utsname name;
	struct sysinfo info;
	struct line line;

	memset(&name, 0, sizeof(name));
	memset(&info, 0, sizeof(info));
	(void)uname(&name);
	(void)sysinfo(&info);
	line_begin(&line, port->sequence, "hello");
	line_addf(&line, "{\"protocol\":%d,\"trial\":", LINE_PROTOCOL);
	line_add_string(&line, trial);
	line_addf(&line, ",\"kernel_release\":");
	line_add_string(&line, name.release);
	line_addf(&line, ",\"cpus_count\":%ld,\"memory_mib\":%llu,"
		  "\"rows_count\":%zu}", sysconf(_SC_NPROCESSORS_ONLN),
		  (unsigned long long)info.totalram * info.mem_unit >> 20,
		  rows_count);
	port_send(port, &line);
}

static void send_end(struct port *port)
{
	struct line line;

	line_begin(&line, port->sequence, "end");
	line_addf(&line, "{\"lines\":%llu}", (unsigned long long)port->sequence);
	port_send(port, &line);
	port_drain(port);
}

static bool apply_sysctls(struct plan *plan, char *reason, size_t size)
{
	size_t i;

	for (i = 0; i < plan->sysctls_count; i++)
		if (system_apply_sysctl(plan->sysctls[i], reason, size) < 0)
			return false;
	return true;
}

static void run_plan(struct plan *plan, struct port *port)
{
	struct perturbation perturbation = { .phase_turns = 0 };
	char reason[REASON_MAX_BYTES];
	unsigned int row;
	bool is_sound;

	is_sound = apply_sysctls(plan, reason, sizeof(reason)) &&
		   perturbation_read(&perturbation, reason, sizeof(reason));
	send_hello(port, plan->trial, plan->rows_count);
	perturbation_spin(&perturbation);
	for (row = 0; row < plan->rows_count; row++) {
		/* Around every row, so that the n-th visit is row n. */
		marker_emit(MARKER_BEGIN(MARKER_REGION_ROW));
		if (is_sound) {
			is_sound = row_run(&plan->rows[row], row, &perturbation, port);
			if (!is_sound)
				snprintf(reason, sizeof(reason), "processes of row "
					 "%s could not be ended",
					 plan->rows[row].name);
		} else {
			row_refuse(&plan->rows[row], row, port, reason);
		}
		marker_emit(MARKER_END(MARKER_REGION_ROW));
	}
	send_end(port);
}

int main(void)
{
	char path[128] = "/dev/ttyS1", reason[REASON_MAX_BYTES];
	static struct plan plan;
	struct port port;
	bool is_planned;
	int result;

	if (getpid() != 1) {
		fprintf(stderr, "guest_init: only as PID 1 of a guest\n");
		return 1;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	system_mount_all();
	system_open_console();
	setenv("PATH", TOOLS_FOLDER ":/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/", 1);
	setenv("TERM", "linux", 0);
	is_planned = plan_load(PLAN_PATH, &plan, reason, sizeof(reason));
	if (system_kernel_argument("kerngate.shell", path, sizeof(path))) {
		if (is_planned && !apply_sysctls(&plan, reason, sizeof(reason)))
			fprintf(stderr, "guest_init: %s\n", reason);
		shell_run();
		system_power_off();
	}
	(void)system_kernel_argument("kerngate.results", path, sizeof(path));
	result = port_open(&port, path);
	if (result < 0)
		fprintf(stderr, "guest_init: %s: %s\n", path, strerror(-result));
	else if (!is_planned)
		fprintf(stderr, "guest_init: %s\n", reason);
	else
		run_plan(&plan, &port);
	system_power_off();
}
