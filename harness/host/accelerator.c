/* accelerator.c - the functional probe of KVM and the choice that follows.
 * Not a feature query: what KVM says of itself is not asked, because hosts
 * exist where it says yes and no guest ever prints a byte.
 *
 * The guest's layout is that of long mode in the Intel SDM, volume 3, 4.5
 * (4-level paging) and 9.8.5; the ioctls are those of Documentation/virt/kvm/api.rst.
 */
#include "accelerator.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "suggest.h"

#define PROBE_DEADLINE_NS (2 * NS_PER_SECOND)
#define PROBE_RUNS 3
#define GUEST_MEMORY_BYTES (2u << 20)
#define GUEST_CODE 0x1000u
#define GUEST_PML4 0x2000u
#define GUEST_PDPT 0x3000u
#define GUEST_PD 0x4000u

/* mov $200000,%ecx; 1: dec %ecx; jnz 1b; mov $0x42,%al; out %al,$0x10; hlt */
static const unsigned char loop_program[] = {
	0xb9, 0x40, 0x0d, 0x03, 0x00, 0xff, 0xc9, 0x75, 0xfc,
	0xb0, 0x42, 0xe6, 0x10, 0xf4,
};

int accelerator_choice_parse(const char *text, enum accelerator_choice *ret,
			     struct error *err)
{
	static const char *const names[] = { "auto", "kvm", "tcg" };
	const char *near;

	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum accelerator_choice)i;
			return 0;
		}
	near = suggest_nearest(text, names, ARRAY_COUNT(names));
	return error_set(err, -EINVAL,
			 "accelerator '%s' is not one of auto, kvm, tcg%s%s%s",
			 text, near ? "; did you mean '" : "", near ? near : "",
			 near ? "'?" : "");
}

/* --- in the child: system calls only, it is forked from a threaded process -- */

struct vm {
	int kvm, vm, vcpu;
	unsigned char *memory;
	struct kvm_run *run;
};

static int setup_failed(struct accelerator_outcome *outcome, const char *name)
{
	outcome->step = STEP_SETUP;
	outcome->error_number = errno;
	strncpy(outcome->name, name, sizeof(outcome->name) - 1);
	return -1;
}

static void write_entry(struct vm *vm, uint32_t table, uint64_t value)
{
	memcpy(vm->memory + table, &value, sizeof(value));
}

/* One identity-mapped page of 2 MiB, and the program in it. */
static void fill_memory(struct vm *vm)
{
	memcpy(vm->memory + GUEST_CODE, loop_program, sizeof(loop_program));
	write_entry(vm, GUEST_PML4, GUEST_PDPT | 3);
	write_entry(vm, GUEST_PDPT, GUEST_PD | 3);
	write_entry(vm, GUEST_PD, 0x83); /* present, writable, 2 MiB */
}

static int set_registers(struct vm *vm, struct accelerator_outcome *outcome)
{
	struct kvm_segment code = { .limit = 0xffffffff, .selector = 8,
				    .type = 11, .present = 1, .s = 1, .l = 1,
				    .g = 1 };
	struct kvm_segment data = { .limit = 0xffffffff, .selector = 16,
				    .type = 3, .present = 1, .s = 1, .db = 1,
				    .g = 1 };
	struct kvm_regs regs = { .rip = GUEST_CODE, .rflags = 2, .rsp = 0x8000 };
	struct kvm_sregs sregs;

	if (ioctl(vm->vcpu, KVM_GET_SREGS, &sregs) < 0)
		return setup_failed(outcome, "KVM_GET_SREGS");
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr3 = GUEST_PML4;
	sregs.cr4 = 0x20;       /* PAE */
	sregs.cr0 = 0x80050033; /* PG AM WP NE ET MP PE */
	sregs.efer = 0x500;     /* LMA LME */
	if (ioctl(vm->vcpu, KVM_SET_SREGS, &sregs) < 0)
		return setup_failed(outcome, "KVM_SET_SREGS");
	if (ioctl(vm->vcpu, KVM_SET_REGS, &regs) < 0)
		return setup_failed(outcome, "KVM_SET_REGS");
	return 0;
}

static int create_vm(struct vm *vm, struct accelerator_outcome *outcome)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = GUEST_MEMORY_BYTES
	};
	int run_bytes;

	vm->vm = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	if (vm->vm < 0)
		return setup_failed(outcome, "KVM_CREATE_VM");
	(void)ioctl(vm->vm, KVM_SET_TSS_ADDR, 0xfffbd000ul);
	vm->memory = mmap(NULL, GUEST_MEMORY_BYTES, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (vm->memory == MAP_FAILED)
		return setup_failed(outcome, "mmap of guest memory");
	region.userspace_addr = (uintptr_t)vm->memory;
	if (ioctl(vm->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return setup_failed(outcome, "KVM_SET_USER_MEMORY_REGION");
	vm->vcpu = ioctl(vm->vm, KVM_CREATE_VCPU, 0);
	if (vm->vcpu < 0)
		return setup_failed(outcome, "KVM_CREATE_VCPU");
	run_bytes = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (run_bytes < (int)sizeof(*vm->run))
		return setup_failed(outcome, "KVM_GET_VCPU_MMAP_SIZE");
	vm->run = mmap(NULL, (size_t)run_bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED, vm->vcpu, 0);
	if (vm->run == MAP_FAILED)
		return setup_failed(outcome, "mmap of the vCPU");
	fill_memory(vm);
	return 0;
}

/* 0 once the loop ended in `out`, and its time is in the outcome. */
static int run_loop(struct vm *vm, struct accelerator_outcome *outcome)
{
	uint64_t start_ns, took_ns;
	int result;

	if (set_registers(vm, outcome) < 0)
		return -1;
	start_ns = clock_monotonic_ns();
	do
		result = ioctl(vm->vcpu, KVM_RUN, 0);
	while (result < 0 && errno == EINTR);
	took_ns = clock_monotonic_ns() - start_ns;
	if (result < 0) {
		outcome->step = STEP_RUN;
		outcome->error_number = errno;
		return -1;
	}
	outcome->step = STEP_EXITED;
	outcome->exit_reason = vm->run->exit_reason;
	if (vm->run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		outcome->detail =
			vm->run->fail_entry.hardware_entry_failure_reason;
	if (vm->run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		outcome->detail = vm->run->internal.suberror;
	if (vm->run->exit_reason != KVM_EXIT_IO)
		return -1;
	if (outcome->loop_ns == 0 || took_ns < outcome->loop_ns)
		outcome->loop_ns = took_ns;
	return 0;
}

static void probe_in_child(struct accelerator_outcome *outcome)
{
	struct vm vm = { .vm = -1, .vcpu = -1 };

	vm.kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm.kvm < 0) {
		outcome->step = STEP_OPEN;
		outcome->error_number = errno;
		return;
	}
	outcome->api_version = ioctl(vm.kvm, KVM_GET_API_VERSION, 0);
	if (outcome->api_version != KVM_API_VERSION) {
		outcome->step = STEP_VERSION;
		return;
	}
	if (create_vm(&vm, outcome) < 0)
		return;
	for (int i = 0; i < PROBE_RUNS; i++)
		if (run_loop(&vm, outcome) < 0)
			return;
}

/* --- in the parent ---------------------------------------------------------- */

static void read_outcome(int fd, struct accelerator_outcome *outcome)
{
	uint64_t deadline_ns = clock_monotonic_ns() + PROBE_DEADLINE_NS;
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	struct accelerator_outcome read_one;
	uint64_t now_ns;
	ssize_t length;
	int count;

	do {
		now_ns = clock_monotonic_ns();
		if (now_ns >= deadline_ns) {
			outcome->timed_out = true;
			return;
		}
		count = poll(&ready, 1,
			     (int)((deadline_ns - now_ns) / NS_PER_MS) + 1);
	} while (count == 0 || (count < 0 && errno == EINTR));
	/* Less than PIPE_BUF: it comes whole or not at all. */
	length = read(fd, &read_one, sizeof(read_one));
	if (length == (ssize_t)sizeof(read_one))
		*outcome = read_one;
}

static void run_probe(struct accelerator_outcome *ret_outcome)
{
	struct accelerator_outcome outcome = { .step = STEP_NOTHING };
	int ends[2];
	pid_t child;

	*ret_outcome = outcome;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		probe_in_child(&outcome);
		_exit(write(ends[1], &outcome, sizeof(outcome)) < 0);
	}
	close(ends[1]);
	if (child > 0) {
		read_outcome(ends[0], ret_outcome);
		(void)kill(child, SIGKILL);
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close(ends[0]);
}

static const char *exit_name(uint32_t reason)
{
	switch (reason) {
	case KVM_EXIT_UNKNOWN: return "KVM_EXIT_UNKNOWN";
	case KVM_EXIT_HLT: return "KVM_EXIT_HLT";
	case KVM_EXIT_MMIO: return "KVM_EXIT_MMIO";
	case KVM_EXIT_SHUTDOWN: return "KVM_EXIT_SHUTDOWN";
	case KVM_EXIT_FAIL_ENTRY: return "KVM_EXIT_FAIL_ENTRY";
	case KVM_EXIT_INTR: return "KVM_EXIT_INTR";
	case KVM_EXIT_INTERNAL_ERROR: return "KVM_EXIT_INTERNAL_ERROR";
	default: return "another exit";
	}
}

static void judge_open(int error_number, char *reason, size_t size)
{
	switch (error_number) {
	case ENOENT:
		snprintf(reason, size, "/dev/kvm does not exist (no "
			 "virtualisation, or the kvm module is not loaded)");
		return;
	case EACCES:
	case EPERM:
		snprintf(reason, size, "no permission to open /dev/kvm (be in "
			 "the group kvm)");
		return;
	case ENODEV:
	case ENXIO:
		snprintf(reason, size, "/dev/kvm exists but no driver is "
			 "behind it");
		return;
	default:
		snprintf(reason, size, "cannot open /dev/kvm: %s",
			 strerror(error_number));
	}
}

static void judge_exit(const struct accelerator_outcome *outcome,
		       struct accelerator_probe *probe)
{
	if (outcome->exit_reason != KVM_EXIT_IO) {
		snprintf(probe->reason, sizeof(probe->reason),
			 "a guest in 64-bit ring 0 did not run: %s (reason %u, "
			 "detail 0x%llx)", exit_name(outcome->exit_reason),
			 outcome->exit_reason,
			 (unsigned long long)outcome->detail);
		return;
	}
	probe->loop_ns = outcome->loop_ns;
	if (outcome->loop_ns == 0) {
		snprintf(probe->reason, sizeof(probe->reason),
			 "the probe ended without a time");
		return;
	}
	probe->usable = outcome->loop_ns <= ACCELERATOR_LOOP_MAX_NS;
	snprintf(probe->reason, sizeof(probe->reason),
		 "200,000 iterations in ring 0 took %.3f ms%s",
		 (double)outcome->loop_ns / (double)NS_PER_MS,
		 probe->usable ? "" : ", more than 20 ms: instructions are "
				      "emulated, a stock guest would not boot");
}

void accelerator_judge(const struct accelerator_outcome *outcome,
		       struct accelerator_probe *ret_probe)
{
	struct accelerator_probe probe = { .usable = false };
	size_t size = sizeof(probe.reason);

	if (outcome->timed_out) {
		snprintf(probe.reason, size, "the probe guest was not done "
			 "within 2 s");
		*ret_probe = probe;
		return;
	}
	switch (outcome->step) {
	case STEP_NOTHING:
		snprintf(probe.reason, size, "the probe died without a report");
		break;
	case STEP_OPEN:
		judge_open(outcome->error_number, probe.reason, size);
		break;
	case STEP_VERSION:
		snprintf(probe.reason, size, "/dev/kvm speaks API version %d, "
			 "expected %d", outcome->api_version, KVM_API_VERSION);
		break;
	case STEP_SETUP:
		snprintf(probe.reason, size, "cannot create a guest: %.31s: %s",
			 outcome->name, strerror(outcome->error_number));
		break;
	case STEP_RUN:
		snprintf(probe.reason, size, "KVM_RUN failed: %s",
			 strerror(outcome->error_number));
		break;
	case STEP_EXITED:
		judge_exit(outcome, &probe);
		break;
	}
	*ret_probe = probe;
}

void accelerator_probe(struct accelerator_probe *ret_probe)
{
	struct accelerator_outcome outcome;

	run_probe(&outcome);
	accelerator_judge(&outcome, ret_probe);
}

int accelerator_choose(enum accelerator_choice choice, enum accelerator *ret,
		       struct accelerator_probe *ret_probe, struct error *err)
{
	struct accelerator_probe probe = { .usable = false };

	if (choice == CHOICE_TCG) {
		snprintf(probe.reason, sizeof(probe.reason),
			 "not probed: tcg was asked for");
		*ret_probe = probe;
		*ret = ACCELERATOR_TCG;
		return 0;
	}
	accelerator_probe(&probe);
	*ret_probe = probe;
	if (choice == CHOICE_KVM && !probe.usable)
		return error_set(err, -ENOTSUP,
				 "accelerator kvm is not usable here: %s",
				 probe.reason);
	*ret = probe.usable ? ACCELERATOR_KVM : ACCELERATOR_TCG;
	return 0;
}
