/* fleet_guest.c - starts one guest, listens to its two ports and ends it in
 * time. The parsers behind the ports judge what is said; here is only what they
 * cannot know: deadlines, floods, libvirt's events. Which guest runs when is
 * fleet.c's, what came of it fleet_guest_result.c's.
 */
#include "fleet_guest_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "guest_placement.h"
#include "hash.h"
#include "memory.h"

/* Console on serial port 0; restart (which ends the domain) on a panic, and a
 * panic on an oops; no timer check, which an emulated host fails at random.
 */
#define OWN_ARGUMENTS                                                          \
	"console=ttyS0 printk.time=1 panic=-1 oops=panic no_timer_check "      \
	"rdinit=/init"
/* A TSC that the kernel trusts costs more than it gives here. With one vCPU it
 * is refined for a second first, without high-resolution timers meanwhile; with
 * more, trusting it flips a static key under the feet of the other vCPUs, and
 * about 2 % of boots died of a stale int3 (QEMU 7.2 runs code that was just
 * replaced; none of 250 without the flip). The HPET serves at once. */
#define TCG_ARGUMENTS " tsc=unstable"
/* On an instruction clock the CPUs run in turn: the TSC's synchronisation test
 * would fail, although there is but one clock. KASLR would move the profile's
 * addresses. */
#define EXACT_ARGUMENTS " tsc=reliable"

/* --- the job's own log ------------------------------------------------------------ */

void fleet_guest_note(struct fleet_guest *guest, const char *format, ...)
{
	uint64_t now_ns = clock_monotonic_ns();
	va_list arguments;

	if (!guest->events)
		return;
	fprintf(guest->events, "%8.3f  ",
		(double)(now_ns - guest->times.create_ns) /
			(double)NS_PER_SECOND);
	va_start(arguments, format);
	vfprintf(guest->events, format, arguments);
	va_end(arguments);
	fputc('\n', guest->events);
	fflush(guest->events);
}

/* --- what the ports bring --------------------------------------------------------- */

static void on_console(void *context, const void *data, size_t length)
{
	struct fleet_guest *guest = context;
	uint64_t now_ns = clock_monotonic_ns();

	guest->clock.last_byte_ns = now_ns;
	if (guest->clock.first_byte_ns == 0) {
		guest->clock.first_byte_ns = now_ns;
		fleet_guest_note(guest, "first byte of the console");
	}
	if (guest_port_bytes(guest->console) > guest->place.console_max_bytes) {
		guest->is_flooding = true;
		return;
	}
	kernel_log_feed(guest->log, data, length);
	if (guest->clock.panic_ns == 0 && kernel_log_has_fatal(guest->log)) {
		guest->clock.panic_ns = now_ns;
		fleet_guest_note(guest, "fatal finding on the console");
	}
}

static void on_results(void *context, const void *data, size_t length)
{
	struct fleet_guest *guest = context;
	uint64_t now_ns = clock_monotonic_ns();

	guest->clock.last_byte_ns = now_ns;
	if (guest_port_bytes(guest->results) > GUEST_STREAM_MAX) {
		guest->is_flooding = true;
		return;
	}
	guest_lines_feed(guest->lines, data, length);
	if (guest->times.user_space_ns == 0 &&
	    guest_lines_has_hello(guest->lines)) {
		guest->times.user_space_ns = now_ns;
		fleet_guest_note(guest, "user space");
	}
	if (guest->clock.end_line_ns == 0 && guest_lines_has_end(guest->lines)) {
		guest->clock.end_line_ns = now_ns;
		fleet_guest_note(guest, "end line");
	}
}

/* --- starting ----------------------------------------------------------------------- */

static void add_exact_arguments(struct strbuf *text, const struct fleet_exact *exact)
{
	strbuf_addf(text, EXACT_ARGUMENTS " kerngate.phase=%" PRIu32, exact->seed.phase_turns);
	if (!exact->policy.kaslr)
		strbuf_adds(text, " nokaslr");
	if (exact->policy.jitter_us)
		strbuf_addf(text, " kerngate.jitter=%" PRIu32 ",%" PRIu64,
			    exact->policy.jitter_us, exact->seed.jitter);
}

uint32_t fleet_guest_cpus_count(const struct fleet_job *job)
{
	/* The vCPUs of an exact guest run in turn, in one thread. */
	return job->exact ? 1 : job->guest->vcpus_count;
}

char *fleet_kernel_cmdline(const struct fleet_job *job,
			   enum accelerator accelerator)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_adds(&text, OWN_ARGUMENTS);
	if (job->exact)
		add_exact_arguments(&text, job->exact);
	else if (accelerator == ACCELERATOR_TCG)
		strbuf_adds(&text, TCG_ARGUMENTS);
	if (job->cmdline && *job->cmdline)
		strbuf_addf(&text, " %s", job->cmdline);
	for (size_t i = 0; i < job->guest->cmdline.count; i++)
		strbuf_addf(&text, " %s", job->guest->cmdline.items[i]);
	return strbuf_detach(&text);
}

void fleet_uuid(const char *name, char ret_uuid[37])
{
	char hex[SHA256_HEX_SIZE];

	sha256_of(name, strlen(name), hex);
	snprintf(ret_uuid, 37, "%.8s-%.4s-8%.3s-a%.3s-%.12s", hex, hex + 8,
		 hex + 12, hex + 15, hex + 18);
}

int fleet_guest_save(const struct fleet_guest *guest, const char *name,
		     const char *text, size_t length, struct error *err)
{
	cleanup_free char *path = path_join(guest->job.folder, name);
	cleanup_fclose FILE *file = fopen(path, "we");

	if (!file || fwrite(text, 1, length, file) != length ||
	    fflush(file) != 0)
		return error_set_errno(err, -errno, "%s: cannot write it", path);
	return 0;
}

static int open_ports(struct fleet_guest *guest, const char *console_path,
		      const char *results_path, struct error *err)
{
	int code = guest_link_add(guest->place.link, console_path, on_console,
				  guest, &guest->console, err);

	if (code == 0)
		code = guest_link_add(guest->place.link, results_path,
				      on_results, guest, &guest->results, err);
	return code;
}

static char *make_xml(const struct fleet_guest *guest, const char *console_path,
		      const char *results_path)
{
	const struct guest_spec *spec = guest->job.guest;
	cleanup_free char *cmdline = fleet_kernel_cmdline(
		&guest->job, guest->place.accelerator);
	const struct guest_exact exact = fleet_exact_boot(guest);
	struct guest_host_nodes nodes;
	bool has_nodes = !guest->job.exact &&
			 guest_placement_nodes(guest->place.cpus, guest->place.cpus_count, spec,
					       guest->pins, &nodes);
	const struct guest_boot boot = {
		.domain_name = guest->job.name,
		.uuid = guest->uuid,
		.emulator = guest->place.emulator,
		.accelerator = guest->place.accelerator,
		.kernel_path = guest->job.kernel_path,
		.initrd_path = guest->job.initrd_path,
		.cmdline = cmdline,
		.console_path = console_path,
		.results_path = results_path,
		.pmem_path = guest->files.pmem_path,
		.disk_path = guest->files.disk_path,
		.pin_cpus = spec->pinning ? guest->pins : NULL,
		.emulator_cpus = guest->place.emulator_cpus,
		.emulator_cpus_count = guest->place.emulator_cpus_count,
		.nodes = has_nodes ? &nodes : NULL,
		.exact = guest->job.exact ? &exact : NULL,
	};

	return guest_domain_xml(spec, &boot);
}

static void note_start(struct fleet_guest *guest)
{
	const struct guest_spec *spec = guest->job.guest;

	fleet_guest_note(guest, "%s: %s, %u vCPUs, %" PRIu64 " MiB, %s", guest->job.name,
	     spec->name ? spec->name : "guest", spec->vcpus_count,
	     spec->memory_mib, accelerator_name(guest->place.accelerator));
	if (guest->job.exact)
		fleet_guest_note(guest, "exact: seed %" PRIu64 ", 2^%" PRIu32
				 " ns an instruction", guest->job.exact->seed.number,
				 guest->job.exact->policy.shift);
	for (uint32_t i = 0; !guest->job.exact && spec->pinning && i < spec->vcpus_count; i++)
		fleet_guest_note(guest, "vCPU %u on host CPU %u", i, guest->pins[i]);
}

static int prepare(struct fleet_guest *guest, struct error *err)
{
	const char *folder = guest->job.folder;
	cleanup_free char *console = path_join(folder, "console.log");
	cleanup_free char *results = path_join(folder, "results.log");
	cleanup_free char *events = path_join(folder, "fleet.log");
	int code = folder_make(folder);

	if (code < 0)
		return error_set_errno(err, code, "%s: cannot make the folder",
				       folder);
	guest->events = fopen(events, "we");
	if (!guest->events)
		return error_set_errno(err, -errno, "%s: cannot write it", events);
	code = guest_files_make(guest->job.guest, folder, &guest->files, err);
	if (code == 0 && guest->job.exact)
		code = fleet_exact_prepare(guest, err);
	if (code == 0)
		code = open_ports(guest, console, results, err);
	if (code < 0)
		return code;
	guest->xml = make_xml(guest, console, results);
	return fleet_guest_save(guest, "domain.xml", guest->xml, strlen(guest->xml),
			 err);
}

int fleet_guest_prepare(const struct fleet_place *place,
			const struct fleet_job *job, const uint32_t *pins,
			struct fleet_guest **ret_guest, struct error *err)
{
	struct fleet_guest *guest = memory_alloc(sizeof(*guest));
	int code;

	guest->place = *place;
	guest->job = *job;
	guest->pins_count = fleet_guest_cpus_count(job);
	memcpy(guest->pins, pins, guest->pins_count * sizeof(*pins));
	fleet_uuid(job->name, guest->uuid);
	guest->log = kernel_log_new();
	guest->lines = guest_lines_new(job->expectation);
	code = prepare(guest, err);
	if (code < 0) {
		fleet_guest_free(guest);
		return code;
	}
	host_info_sample(&guest->before);
	guest->times.create_ns = clock_monotonic_ns();
	guest->clock.start_ns = guest->times.create_ns;
	guest->clock.quiet_s = job->quiet_s;
	guest->clock.patience = !job->exact ? 1 : job->exact->gdb_socket ? 0 : EXACT_PATIENCE;
	note_start(guest);
	*ret_guest = guest;
	return 0;
}

int fleet_guest_create(struct fleet_guest *guest, struct error *err)
{
	bool is_paused = guest->job.exact && guest->job.exact->gdb_socket;
	int code = (is_paused ? domain_start_paused : domain_start)(
		guest->place.host, guest->xml, &guest->new_domain, err);

	guest->new_domain_ns = clock_monotonic_ns();
	return code;
}

void fleet_guest_created(struct fleet_guest *guest)
{
	guest->domain = guest->new_domain;
	guest->times.created_ns = guest->new_domain_ns;
	fleet_guest_note(guest, "created after %.3f s",
	     (double)(guest->times.created_ns - guest->times.create_ns) /
		     (double)NS_PER_SECOND);
}

/* --- while it runs ------------------------------------------------------------------ */

const char *fleet_guest_uuid(const struct fleet_guest *guest)
{
	return guest->uuid;
}

const struct fleet_job *fleet_guest_job(const struct fleet_guest *guest)
{
	return &guest->job;
}

const uint32_t *fleet_guest_pins(const struct fleet_guest *guest)
{
	return guest->pins;
}

static void note_stopped(struct fleet_guest *guest, uint64_t at_ns)
{
	guest->is_stopped = true;
	if (guest->times.stopped_ns == 0)
		guest->times.stopped_ns = at_ns;
}

void fleet_guest_event(struct fleet_guest *guest, const struct domain_event *event)
{
	static const char *const words[] = {
		[DOMAIN_STOPPED] = "stopped",
		[DOMAIN_DESTROYED] = "destroyed",
		[DOMAIN_CRASHED] = "crashed (the panic device)",
		[DOMAIN_FAILED] = "failed",
		[DOMAIN_EXITED] = "its process ended",
	};

	fleet_guest_note(guest, "libvirt: %s", words[event->kind]);
	switch (event->kind) {
	case DOMAIN_CRASHED:
		guest->has_crash_event = true;
		return;
	case DOMAIN_EXITED:
		/* libvirt's word, which comes later, is needed only where it is
		 * not clear yet how the guest ended. The end line may still
		 * lie unread in the port. */
		guest->clock.exited_ns = event->at_ns;
		if (guest->times.stopped_ns == 0)
			guest->times.stopped_ns = event->at_ns;
		return;
	case DOMAIN_FAILED:
		guest->is_failed = true;
		break;
	case DOMAIN_STOPPED:
	case DOMAIN_DESTROYED:
		break;
	}
	guest->has_stop_event = true;
	note_stopped(guest, event->at_ns);
}

bool fleet_guest_has_stop_event(const struct fleet_guest *guest)
{
	return guest->has_stop_event;
}

uint64_t fleet_guest_deadline_ns(const struct fleet_guest *guest)
{
	enum deadline_kind kind;

	return guest_clock_deadline(&guest->clock, guest->job.guest, &kind);
}

static void end_guest(struct fleet_guest *guest, const char *format, ...)
	printf_like(2, 3);
static void end_guest(struct fleet_guest *guest, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	guest->ended_reason = string_vformat(format, arguments);
	va_end(arguments);
	guest->is_ended = true;
	fleet_guest_note(guest, "ended: %s", guest->ended_reason);
	domain_destroy(guest->domain);
	/* Its process is gone when the call returns, whatever libvirt says of
	 * it afterwards. */
	note_stopped(guest, clock_monotonic_ns());
}

static void end_by_deadline(struct fleet_guest *guest, enum deadline_kind kind)
{
	const struct guest_spec *spec = guest->job.guest;

	switch (kind) {
	case DEADLINE_FIRST_BYTE:
		guest->is_timed_out = true;
		end_guest(guest, "no byte on the console within %u s",
			  spec->first_byte_s * guest->clock.patience);
		return;
	case DEADLINE_SILENCE:
		guest->is_timed_out = true;
		end_guest(guest, "no output for %u s",
			  guest_clock_silence_s(&guest->clock, spec) *
				  guest->clock.patience);
		return;
	case DEADLINE_TOTAL:
		guest->is_timed_out = true;
		end_guest(guest, "not done within %u s",
			  spec->total_s * guest->clock.patience);
		return;
	case DEADLINE_POWER_OFF:
		end_guest(guest, "did not power off after its end line");
		return;
	case DEADLINE_PANIC:
		end_guest(guest, "still there %u s after a fatal finding",
			  (unsigned int)(FLEET_PANIC_GRACE_NS / NS_PER_SECOND) *
				  guest->clock.patience);
		return;
	case DEADLINE_STOP:
		end_guest(guest, "its process ended, unnoticed by libvirt");
		return;
	}
}

void fleet_guest_check(struct fleet_guest *guest, uint64_t now_ns)
{
	enum deadline_kind kind;
	const char *broken;

	if (guest->is_stopped || !guest->domain)
		return;
	fleet_plug_look(guest);
	broken = guest_lines_broken_reason(guest->lines);
	if (guest->is_flooding)
		end_guest(guest, "flooded its serial port %d",
			  guest_port_bytes(guest->console) >
				  guest->place.console_max_bytes ? 0 : 1);
	else if (guest->clock.exited_ns && guest->clock.end_line_ns)
		note_stopped(guest, guest->clock.exited_ns);
	else if (broken && guest->clock.panic_ns == 0)
		end_guest(guest, "%s", broken);
	else if (guest_clock_deadline(&guest->clock, guest->job.guest, &kind) <=
		 now_ns)
		end_by_deadline(guest, kind);
}

bool fleet_guest_is_over(const struct fleet_guest *guest)
{
	return guest->is_stopped && guest->domain;
}

void fleet_guest_free(struct fleet_guest *guest)
{
	if (!guest)
		return;
	if (guest->domain && !guest->is_stopped)
		domain_destroy(guest->domain);
	fleet_plug_end(guest);
	domain_free(guest->domain);
	guest_port_remove(guest->console);
	guest_port_remove(guest->results);
	kernel_log_free(guest->log);
	guest_lines_free(guest->lines);
	guest_files_remove(&guest->files);
	if (guest->events)
		fclose(guest->events);
	free(guest->xml);
	free(guest->counts_path);
	strvec_release(&guest->plugins);
	free(guest->ended_reason);
	free(guest);
}
