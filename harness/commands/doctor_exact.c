/* doctor_exact.c - `kerngate doctor --exact`: the proof that exact mode gives the
 * same bytes on this host, whatever else the host does. engine/exact_probe.h runs
 * the trials; here is what is run, and how it is told.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "campaign.h"
#include "clock.h"
#include "doctor_checks.h"
#include "exact_probe.h"
#include "kernel_builder.h"
#include "log.h"
#include "memory.h"
#include "table.h"

#define CAMPAIGN "quick"
#define SUITE "exact-proof"
#define SEED 1
#define DIGEST_SHOWN 16 /* digits of 64 */

enum { EXIT_NOT_EXACT = 1 };

static const char *const guest_names[] = { "up", "smp2" };
#define GUESTS_COUNT ARRAY_COUNT(guest_names)

struct proof {
	struct campaign campaign;
	struct suite suite;
	struct guest_spec guests[GUESTS_COUNT];
	struct built_kernel kernel;
	struct exact_probe probe;
};

static void proof_release(struct proof *proof)
{
	exact_probe_release(&proof->probe);
	campaign_release(&proof->campaign);
	suite_release(&proof->suite);
	for (size_t i = 0; i < GUESTS_COUNT; i++)
		guest_spec_release(&proof->guests[i]);
	built_kernel_release(&proof->kernel);
}

static void cleanup_cache(struct kernel_cache **cache)
{
	kernel_cache_close(*cache);
}

static int get_kernel(const struct globals *globals, struct proof *proof,
		      struct error *err)
{
	cleanup_with(cleanup_cache) struct kernel_cache *cache = NULL;
	const struct variant *variant = &proof->campaign.variants[proof->campaign.baseline];
	const struct build_options options = { .label = variant->name };
	int code = kernel_cache_open(globals->cache_path, globals->cache_max_bytes, &cache,
				     err);

	if (code == 0)
		code = kernel_build(cache, &variant->kernel, &options, &proof->kernel, err);
	progress_clear();
	return code;
}

static int prepare(const struct globals *globals, struct proof *proof, struct error *err)
{
	const char *root = globals->project_root;
	int code = campaign_load(root, CAMPAIGN, &proof->campaign, err);

	if (code == 0)
		code = suite_load(root, SUITE, &proof->suite, err);
	for (size_t i = 0; code == 0 && i < GUESTS_COUNT; i++)
		code = guest_spec_load(root, guest_names[i], &proof->guests[i], err);
	return code == 0 ? get_kernel(globals, proof, err) : code;
}

static int prove(const struct globals *globals, struct proof *proof, struct error *err)
{
	const struct exact_probe_options options = {
		.build_dir = globals->build_dir,
		.uri = globals->uri,
		.kernel_path = proof->kernel.image_path,
		.guests = proof->guests,
		.guests_count = GUESTS_COUNT,
		.suite = &proof->suite,
		.policy = EXACT_POLICY_INIT,
		.seed = SEED,
		.counts = { [PROBE_ALONE] = 2, [PROBE_BESIDE_LOAD] = 2,
			    [PROBE_SIDE_BY_SIDE] = 1 },
	};

	return exact_probe_run(&options, &proof->probe, err);
}

/* --- text ------------------------------------------------------------------------------- */

/* The trials of one condition: their digest, or how many there are. */
struct summary {
	uint32_t count, odd_count;
	const char *digest;      /* of the first that has one; borrowed */
	bool is_same;            /* all passed, with that digest */
	uint64_t wall_ns;
};

static struct summary summarise(const struct probe_group *group,
				enum probe_condition condition)
{
	struct summary summary = { .is_same = true };

	for (size_t i = 0; i < group->trials_count; i++) {
		const struct probe_trial *trial = &group->trials[i];

		if (trial->condition != condition)
			continue;
		summary.count++;
		summary.wall_ns += trial->wall_ns;
		if (!summary.digest)
			summary.digest = trial->digest;
		if (trial->outcome != OUTCOME_PASSED || !trial->digest ||
		    strcmp(trial->digest, summary.digest) != 0)
			summary.is_same = false;
	}
	return summary;
}

static void add_condition(struct table *table, const struct probe_group *group,
			  enum probe_condition condition)
{
	struct summary summary = summarise(group, condition);
	const char *first = group->trials[0].digest;
	bool is_good = summary.is_same && first && strcmp(first, summary.digest) == 0;
	cleanup_free char *trials = string_format("%" PRIu32, summary.count);
	cleanup_free char *seconds = NULL, *digest = NULL;

	if (summary.count == 0)
		return;
	seconds = string_format("%.1f s", (double)summary.wall_ns / summary.count /
						  (double)NS_PER_SECOND);
	digest = string_format("%.*s", DIGEST_SHOWN, summary.is_same ? summary.digest :
								       "not the same");
	table_add(table, is_good ? "ok" : "differs", group->guest->name,
		  probe_condition_name(condition), trials, seconds, digest);
}

static const char *trial_name(const struct probe_group *group, size_t index)
{
	return probe_condition_name(group->trials[index].condition);
}

/* Lines of the guest's are shown as they are, whatever their width. */
static void print_odd(const struct probe_group *group)
{
	const struct probe_trial *odd = &group->trials[group->odd];

	if (group->is_exact)
		return;
	printf("\n%s: trial %zu (%s) ", group->guest->name, group->odd + 1,
	       trial_name(group, group->odd));
	if (odd->outcome != OUTCOME_PASSED) {
		printf("%s: %s\n  %s\n", outcome_name(odd->outcome),
		       odd->reason ? odd->reason : "", odd->folder);
		return;
	}
	printf("parted from trial 1 (%s)\n", trial_name(group, 0));
	if (group->difference)
		printf("  %s\n", group->difference);
	printf("  %s\n  %s\n", group->trials[0].folder, odd->folder);
}

static void print_text(const struct proof *proof)
{
	const struct exact_probe *probe = &proof->probe;
	cleanup_table struct table table = TABLE_INIT(6);
	size_t trials_count = 0;

	printf("%s; Linux %s; host CPUs: %" PRIu32 "\n\n", probe->hypervisor,
	       proof->kernel.release, probe->cpus_count);
	table_add(&table, "", "GUEST", "CONDITION", "TRIALS", "EACH", "DIGEST");
	for (size_t i = 0; i < probe->groups_count; i++) {
		for (int c = 0; c < PROBE_CONDITIONS_COUNT; c++)
			add_condition(&table, &probe->groups[i], (enum probe_condition)c);
		trials_count += probe->groups[i].trials_count;
	}
	table_print(&table, stdout);
	for (size_t i = 0; i < probe->groups_count; i++)
		print_odd(&probe->groups[i]);
	if (exact_probe_is_exact(probe))
		printf("\nexact: %zu trials; those of a guest gave the same console, results "
		       "and counts,\nto the byte\n", trials_count);
	else
		printf("\nnot exact on this host: see docs/exact-mode.md, \"Where it "
		       "ends\"\n");
}

/* --- JSON -------------------------------------------------------------------------------- */

static json_t *trial_json(const struct probe_trial *trial)
{
	return json_pack("{s:s, s:s, s:s?, s:s?, s:f}", "condition",
			 probe_condition_name(trial->condition), "outcome",
			 outcome_name(trial->outcome), "reason", trial->reason, "digest",
			 trial->digest, "wall_s",
			 (double)trial->wall_ns / (double)NS_PER_SECOND);
}

static json_t *group_json(const struct probe_group *group)
{
	json_t *trials = json_array();

	for (size_t i = 0; i < group->trials_count; i++)
		(void)json_array_append_new(trials, trial_json(&group->trials[i]));
	return json_pack("{s:s, s:b, s:o, s:s?}", "name", group->guest->name, "exact",
			 group->is_exact, "trials", trials, "difference",
			 group->difference);
}

static int print_json(const struct proof *proof, struct error *err)
{
	const struct exact_probe *probe = &proof->probe;
	json_t *guests = json_array(), *root;
	int failed = 0;

	for (size_t i = 0; i < probe->groups_count; i++)
		failed |= json_array_append_new(guests, group_json(&probe->groups[i]));
	root = json_pack("{s:b, s:s, s:s, s:i, s:o}", "exact", exact_probe_is_exact(probe),
			 "hypervisor", probe->hypervisor, "kernel_release",
			 proof->kernel.release, "cpus_count", (int)probe->cpus_count,
			 "guests", guests);
	if (failed || !root || json_dumpf(root, stdout, JSON_INDENT(2)) < 0)
		failed = 1;
	putchar('\n');
	json_decref(root);
	return failed ? error_set(err, -EIO, "the proof cannot be written as JSON") : 0;
}

/* --- the command -------------------------------------------------------------------------- */

int doctor_exact(const struct globals *globals, bool as_json, struct error *err)
{
	cleanup_with(proof_release) struct proof proof = { .probe = EXACT_PROBE_INIT };
	int code;

	if (globals->accelerator == CHOICE_KVM)
		return command_usage_error(err, "--exact needs the emulator's instruction "
					   "clock: leave out --accel kvm");
	command_catch_interrupts();
	code = prepare(globals, &proof, err);
	if (code == 0)
		code = prove(globals, &proof, err);
	if (code == -EINTR || code == -ECANCELED)
		return EXIT_INTERRUPTED;
	if (code < 0)
		return EXIT_HARNESS;
	if (!as_json)
		print_text(&proof);
	else if (print_json(&proof, err) < 0)
		return EXIT_HARNESS;
	return exact_probe_is_exact(&proof.probe) ? EXIT_OK : EXIT_NOT_EXACT;
}
