/* fleet_guest_result.c - what came of a guest: its outcome from all sides, its
 * artifacts, what the host did to it meanwhile.
 */
#include "fleet_guest_private.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "tool_output.h"

#define DISK_FULL_BYTES (UINT64_C(1) << 20)
#define QEMU_LOG_TAIL 300

static void copy_findings(const struct fleet_guest *guest,
			  struct trial_result *result)
{
	const struct finding *items;
	size_t count;

	kernel_log_findings(guest->log, &items, &count);
	result->findings = memory_alloc_array(count, sizeof(*items));
	result->findings_count = count;
	for (size_t i = 0; i < count; i++) {
		struct finding *copy = &result->findings[i];

		*copy = items[i];
		copy->title = string_copy(items[i].title);
		copy->excerpt = string_copy(items[i].excerpt);
		if (finding_kind_is_fatal(copy->kind))
			trial_result_worsen(result, OUTCOME_CRASHED, "%s",
					    copy->title);
	}
}

/* A guest that was ended has no end line for that very reason: the reason is
 * what counts. */
static void judge_end(const struct fleet_guest *guest, bool was_broken,
		      struct trial_result *result)
{
	const char *why = guest->ended_reason ? guest->ended_reason :
						"flooded its serial port";

	if (!guest->is_timed_out && !guest->is_flooding)
		return;
	if (result->outcome == OUTCOME_BROKEN && !was_broken) {
		free(take_pointer(result->reason));
		result->outcome = OUTCOME_PASSED;
	}
	trial_result_worsen(result, guest->is_flooding ? OUTCOME_BROKEN :
							 OUTCOME_TIMED_OUT,
			    "%s", why);
}

/* What QEMU said last; owned. */
static char *qemu_last_words(const char *log)
{
	size_t length = log ? strlen(log) : 0;
	const char *start = log;

	while (length && log[length - 1] == '\n')
		length--;
	if (length > QEMU_LOG_TAIL) {
		start += length - QEMU_LOG_TAIL;
		length = QEMU_LOG_TAIL;
	}
	return length ? string_copy_n(start, length) : string_copy("no word");
}

static void judge_emulator(struct fleet_guest *guest, const char *log,
			   struct trial_result *result)
{
	cleanup_free char *words = NULL;

	if (!guest->is_failed || guest->is_ended)
		return;
	words = qemu_last_words(log);
	trial_result_worsen(result, OUTCOME_BROKEN, "QEMU failed: %s", words);
}

bool fleet_judge_stale_code(const struct fleet_job *job, enum accelerator accelerator,
			    struct trial_result *result)
{
	cleanup_free char *crash = NULL;

	if (accelerator != ACCELERATOR_TCG || job->exact || job->guest->vcpus_count < 2 ||
	    result->outcome != OUTCOME_CRASHED ||
	    strncmp(result->reason, "int3 in ", strlen("int3 in ")) != 0)
		return false;
	crash = take_pointer(result->reason);
	result->outcome = OUTCOME_PASSED;
	trial_result_worsen(result, OUTCOME_BROKEN, "%s: most likely the "
			    "emulator, which ran code the kernel had replaced",
			    crash);
	return true;
}

static int save_artifact(struct fleet_guest *guest,
			 const struct guest_artifact *artifact,
			 struct trial_result *result, struct error *err)
{
	const struct guest_expectation *expected = guest->job.expectation;
	const char *row_name = expected->row_names[artifact->row];
	cleanup_free char *name = string_format("%s.%s", row_name,
						artifact->name);
	struct error why = ERROR_INIT;
	int code = fleet_guest_save(guest, name, artifact->data, artifact->length, err);

	if (code < 0)
		return code;
	if (tool_output_samples(expected->workloads[artifact->row]->name,
				artifact->name, artifact->data,
				artifact->length, artifact->row, result,
				&why) < 0)
		trial_result_worsen(result, OUTCOME_BROKEN, "row %s: %s: %s",
				    row_name, artifact->name, why.message);
	return 0;
}

static int save_artifacts(struct fleet_guest *guest, const char *log,
			  struct trial_result *result, struct error *err)
{
	const struct guest_artifact *items;
	size_t count;
	int code = 0;

	guest_lines_artifacts(guest->lines, &items, &count);
	for (size_t i = 0; i < count && code == 0; i++)
		code = save_artifact(guest, &items[i], result, err);
	if (code == 0 && log)
		code = fleet_guest_save(guest, "qemu.txt", log, strlen(log), err);
	return code;
}

static void fill_host(struct fleet_guest *guest, struct trial_result *result)
{
	struct host_sample after;

	host_info_sample(&after);
	host_info_evidence(&guest->before, &after, &result->host);
	result->host.frequency_mhz = host_info_frequency_mhz(
		guest->pins, guest->pins_count);
	if (!guest->job.exact)
		return;
	/* It does not mind the others. */
	result->host.disturbed = false;
	free(take_pointer(result->host.reason));
}

static void fill_times(const struct fleet_guest *guest,
		       struct trial_result *result)
{
	result->times = guest->times;
	result->times.first_byte_ns = guest->clock.first_byte_ns;
	result->times.end_marker_ns = guest->clock.end_line_ns;
	/* The ports are two files: what PID 1 said may be read before what the kernel
	 * had said on its console long before. */
	if (result->times.user_space_ns &&
	    result->times.first_byte_ns > result->times.user_space_ns)
		result->times.first_byte_ns = result->times.user_space_ns;
	/* On a starved host the end is heard of before the last lines are read. */
	if (result->times.stopped_ns < result->times.end_marker_ns)
		result->times.stopped_ns = result->times.end_marker_ns;
}

static void judge(struct fleet_guest *guest, const char *log,
		  struct trial_result *result)
{
	bool was_broken = guest_lines_broken_reason(guest->lines) != NULL;

	kernel_log_finish(guest->log);
	guest_lines_finish(guest->lines, result);
	judge_end(guest, was_broken, result);
	judge_emulator(guest, log, result);
	copy_findings(guest, result);
	if (fleet_judge_stale_code(&guest->job, guest->place.accelerator, result))
		return;
	if (guest->has_crash_event)
		trial_result_worsen(result, OUTCOME_CRASHED, "the guest's panic "
				    "device fired, the console says nothing");
}

/* QEMU drops what it cannot write: a full disk makes any guest look broken. */
static int check_disk(const struct fleet_guest *guest,
		      const struct trial_result *result, struct error *err)
{
	uint64_t bytes;

	if (result->outcome != OUTCOME_BROKEN &&
	    result->outcome != OUTCOME_TIMED_OUT)
		return 0;
	if (disk_free_bytes(guest->job.folder, &bytes) < 0 ||
	    bytes >= DISK_FULL_BYTES)
		return 0;
	return error_set(err, -ENOSPC, "%s: the disk is full; the guest's "
			 "output may be cut", guest->job.folder);
}

/* The log of the start, or, of a libvirt elsewhere, the command line as it
 * would write it; owned; NULL where there is neither. */
static char *qemu_text(struct fleet_guest *guest)
{
	char *text = domain_qemu_log(guest->domain);
	struct error ignored = ERROR_INIT;

	if (!text && libvirt_host_qemu_command(guest->place.host, guest->xml,
					       &text, &ignored) < 0)
		return NULL;
	return text;
}

int fleet_guest_finish(struct fleet_guest *guest, struct trial_result *ret_result,
		       struct error *err)
{
	cleanup_with(trial_result_release) struct trial_result result =
		TRIAL_RESULT_INIT;
	cleanup_free char *log = qemu_text(guest);
	int code = guest_port_drain(guest->console, err);

	if (code == 0)
		code = guest_port_drain(guest->results, err);
	if (code < 0)
		return code;
	judge(guest, log, &result);
	code = save_artifacts(guest, log, &result, err);
	if (code == 0 && guest->job.exact)
		code = fleet_exact_finish(guest, &result, err);
	if (code == 0)
		code = check_disk(guest, &result, err);
	if (code < 0)
		return code;
	fill_host(guest, &result);
	fill_times(guest, &result);
	fleet_guest_note(guest, "%s%s%s", outcome_name(result.outcome),
	     result.reason ? ": " : "", result.reason ? result.reason : "");
	*ret_result = result;
	result = TRIAL_RESULT_INIT;
	return 0;
}
