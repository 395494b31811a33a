/* experiment_check.c - what can be refused before anything is built: names,
 * arguments, tools, devices, memory and disk, with numbers.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "experiment_private.h"
#include "files.h"
#include "host_info.h"
#include "host_topology.h"
#include "memory.h"

#define MIB (UINT64_C(1) << 20)
/* QEMU's own memory beside the guest's (100-150 MiB resident were seen). */
#define GUEST_OVERHEAD_MIB 192
/* Struct pages, which a guest's kernel writes for all memory: 64 bytes for 4 KiB. */
#define STRUCT_PAGES_SHARE 64
/* Left to the host and to this program. */
#define HOST_RESERVE_MIB 384
/* Disk: a pristine source and its first tree; each kernel's own objects. */
#define BASE_DISK_MIB 3072
#define KERNEL_DISK_MIB 1024
/* Results: logs and samples of a trial; initramfs of a running one. */
#define TRIAL_DISK_MIB 1
#define INITRD_DISK_MIB 32
#define SPACE_MIN_MIB 32
#define PLUGIN_PREFIX "count-api"

static void cell_release(struct experiment_cell *cell)
{
	for (size_t i = 0; cell->loaded && i < cell->rows_count; i++)
		free(cell->loaded[i].metrics);
	free(cell->loaded);
	free(cell->initrd_common);
	free(cell->variants_ns);
	free(cell->workloads);
	free(cell->row_names);
}

void experiment_release(struct experiment *experiment)
{
	fleet_close(experiment->fleet);
	for (size_t i = 0; i < experiment->kernels_count; i++)
		built_kernel_release(&experiment->kernels[i]);
	free(experiment->kernels);
	free(experiment->kernel_keys);
	free(experiment->kernel_cached);
	for (size_t i = 0; i < experiment->cells_count; i++)
		cell_release(&experiment->cells[i]);
	free(experiment->cells);
	workload_catalog_release(&experiment->catalog);
	kernel_cache_close(experiment->cache);
	run_store_close(experiment->store);
	stored_run_release(&experiment->run);
	strvec_release(&experiment->fingerprint);
	strvec_release(&experiment->plugin_lines);
	free(experiment->plugin_folder);
	free(experiment->run_folder);
	if (experiment->lock >= 0)
		(void)close(experiment->lock);
}

/* --- guests and workloads ---------------------------------------------------- */

static int check_vcpus(const struct experiment *experiment, const struct guest_spec *guest,
		       struct error *err)
{
	if (guest->overcommit ||
	    experiment_guest_cpus(experiment, guest) <= experiment->cpus_count)
		return 0;
	return error_set(err, -E2BIG, "guest %s: %" PRIu32 " vCPUs, but this host has %" PRIu32
			 " CPUs for guests; measuring on shared CPUs needs overcommit: true",
			 guest->name, guest->vcpus_count, experiment->cpus_count);
}

static int check_exact_devices(const struct experiment *experiment,
			       const struct guest_spec *guest, struct error *err)
{
	if (!experiment_is_exact(experiment) || !guest->disk_mib)
		return 0;
	return error_set(err, -ENOTSUP, "guest %s: has a disk (disk_mib), whose answers come when "
			 "the host gives them; exact mode needs a guest without", guest->name);
}

/* The store and the judge know a metric of a row by its name. */
static int check_metric_names(const struct experiment *experiment,
			      const struct workload_info *info, struct error *err)
{
	size_t count = 0;
	const struct metric_info *added = exact_metrics(GUEST_VCPUS_MAX, &count);

	for (size_t i = 0; experiment_is_exact(experiment) && i < count; i++)
		if (workload_info_find_metric(info, added[i].name))
			return error_set(err, -EEXIST, "workload %s: has a metric %s of its "
					 "own, which exact mode adds", info->name, added[i].name);
	return 0;
}

/* What comes from outside comes at another instruction each time. */
static int check_row_exact(const struct experiment *experiment, const struct suite_row *row,
			   const struct workload_info *info, struct error *err)
{
	if (!experiment_is_exact(experiment) ||
	    !workload_info_needs_device(info, &row->arguments, "hotplug"))
		return 0;
	return error_set(err, -ENOTSUP, "%s: %s asks the host for memory while it runs, which "
			 "comes at another instruction each time: not in exact mode",
			 row->origin ? row->origin : row->name, info->name);
}

/* The guest of a row with a load sends one metric more. */
static void add_load_metric(struct experiment_cell *cell, size_t row)
{
	struct workload_info *loaded = &cell->loaded[row];
	const struct workload_info *info = cell->workloads[row];

	*loaded = *info;
	loaded->metrics = memory_alloc_array(info->metrics_count + 1, sizeof(*loaded->metrics));
	memcpy(loaded->metrics, info->metrics, info->metrics_count * sizeof(*info->metrics));
	loaded->metrics[loaded->metrics_count++] = workload_load_metric;
	cell->workloads[row] = loaded;
}

static int prepare_row(struct experiment *experiment, const struct suite_row *row,
		       struct experiment_cell *prepared, size_t index, struct error *err)
{
	int rc = workload_catalog_find(&experiment->catalog, row->workload,
				       &prepared->workloads[index], err);

	prepared->row_names[index] = row->name;
	if (!rc)
		rc = check_metric_names(experiment, prepared->workloads[index], err);
	if (!rc)
		rc = check_row_exact(experiment, row, prepared->workloads[index], err);
	if (!rc && row->load.workload)
		add_load_metric(prepared, index);
	return rc;
}

static int prepare_cell(struct experiment *experiment, const struct campaign_cell *cell,
			struct error *err)
{
	struct experiment_cell *prepared = &experiment->cells[experiment->cells_count++];
	const struct suite *suite = &cell->suite;
	cleanup_free char *record = experiment_guest_record(&cell->guest);
	int rc = check_vcpus(experiment, &cell->guest, err);

	sha256_of(record, strlen(record), prepared->guest_sha256);
	if (!rc)
		rc = check_exact_devices(experiment, &cell->guest, err);
	if (!rc)
		rc = guest_image_check_cell(&experiment->catalog, cell, err);
	if (rc)
		return rc;
	prepared->workloads = memory_alloc_array(suite->rows_count,
						 sizeof(*prepared->workloads));
	prepared->row_names = memory_alloc_array(suite->rows_count,
						 sizeof(*prepared->row_names));
	prepared->loaded = memory_alloc_array(suite->rows_count, sizeof(*prepared->loaded));
	prepared->rows_count = suite->rows_count;
	for (size_t i = 0; !rc && i < suite->rows_count; i++)
		rc = prepare_row(experiment, &suite->rows[i], prepared, i, err);
	return rc;
}

static int prepare_cells(struct experiment *experiment, struct error *err)
{
	const struct campaign *campaign = experiment->campaign;
	int rc = 0;

	experiment->cells = memory_alloc_array(campaign->cells_count,
					       sizeof(*experiment->cells));
	for (size_t i = 0; !rc && i < campaign->cells_count; i++)
		rc = prepare_cell(experiment, &campaign->cells[i], err);
	return rc;
}

/* --- exact mode ---------------------------------------------------------------- */

bool experiment_is_exact(const struct experiment *experiment)
{
	return experiment->campaign->mode == MODE_EXACT;
}

uint32_t experiment_guest_cpus(const struct experiment *experiment,
			       const struct guest_spec *guest)
{
	return experiment_is_exact(experiment) ? 1 : guest_spec_host_cpus(guest);
}

/* The clock of an exact guest is made by the emulator: there is no choice. */
static int choose_accelerator(struct experiment *experiment, struct error *err)
{
	enum accelerator_choice choice = experiment->options->accelerator;

	if (!experiment_is_exact(experiment))
		return accelerator_choose(choice, &experiment->accelerator, &experiment->probe,
					  err);
	if (choice == CHOICE_KVM)
		return error_set(err, -ENOTSUP, "--accel kvm: exact mode counts the guest's "
				 "instructions, which only the emulator can do (--accel tcg or "
				 "auto)");
	experiment->accelerator = ACCELERATOR_TCG;
	(void)snprintf(experiment->probe.reason, sizeof(experiment->probe.reason),
		       "exact mode counts the guest's instructions, which only the emulator can "
		       "do");
	return 0;
}

/* Under KVM a vCPU loses what QEMU's other threads do on its CPU; an emulated guest is
 * such threads. */
static void reserve_cpus(struct experiment *experiment)
{
	struct host_cpu cpus[EXPERIMENT_CPUS_MAX];
	uint32_t needed_count = 0;

	if (experiment->accelerator != ACCELERATOR_KVM)
		return;
	for (size_t i = 0; i < experiment->campaign->cells_count; i++) {
		uint32_t count = experiment_guest_cpus(experiment,
						       &experiment->campaign->cells[i].guest);

		needed_count = count > needed_count ? count : needed_count;
	}
	host_topology_read("/sys", experiment->cpus, experiment->cpus_count, cpus);
	experiment->emulator_cpus_count =
		guest_placement_reserve(cpus, &experiment->cpus_count, needed_count,
					experiment->emulator_cpus);
	for (uint32_t i = 0; i < experiment->cpus_count; i++)
		experiment->cpus[i] = cpus[i].cpu;
}

/* Its files are part of what a count means. QEMU's version decides which is loaded:
 * one for each of its plugin interfaces. */
static int prepare_plugin(struct experiment *experiment, struct error *err)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int rc;

	experiment->plugin_folder = path_join(experiment->options->build_dir, "plugin");
	if (!experiment_is_exact(experiment) || !experiment->campaign->exact.counts)
		return 0;
	rc = folder_list(experiment->plugin_folder, &names);
	if (rc && rc != -ENOENT)
		return error_set_errno(err, rc, "%s", experiment->plugin_folder);
	for (size_t i = 0; i < names.count; i++) {
		cleanup_free char *path = path_join(experiment->plugin_folder, names.items[i]);
		char sha256[SHA256_HEX_SIZE];

		if (strncmp(names.items[i], PLUGIN_PREFIX, strlen(PLUGIN_PREFIX)))
			continue;
		rc = sha256_of_file(path, sha256);
		if (rc)
			return error_set_errno(err, rc, "%s", path);
		strvec_pushf(&experiment->plugin_lines, "exact.plugin.%s=%s", names.items[i],
			     sha256);
	}
	if (!experiment->plugin_lines.count)
		return error_set(err, -ENOENT, "%s: holds no counting plugin, which exact mode "
				 "needs (`make build` makes it; exact: {counts: false} does "
				 "without)", experiment->plugin_folder);
	return 0;
}

/* --- memory -------------------------------------------------------------------- */

uint64_t experiment_guest_memory_mib(const struct guest_spec *guest)
{
	/* Memory that is touched before it is given: DIMMs that are plugged in, too. */
	uint64_t memory_mib = guest->memory_prealloc && guest->memory_slots ?
		guest->memory_max_mib : guest->memory_mib;

	/* Huge pages are set aside already; large guests without a reserve touch the
	 * struct pages of their memory, and what their workload touches. */
	if (guest->memory_hugepages)
		return GUEST_OVERHEAD_MIB;
	if (!guest->memory_reserve)
		return guest->memory_mib / STRUCT_PAGES_SHARE + GUEST_OVERHEAD_MIB;
	return memory_mib + GUEST_OVERHEAD_MIB;
}

uint32_t experiment_concurrency(const struct experiment *experiment,
				const struct guest_spec *guest)
{
	uint64_t by_memory = experiment->memory_mib / experiment_guest_memory_mib(guest);
	uint64_t by_cpus = experiment->cpus_count / experiment_guest_cpus(experiment, guest);
	uint64_t count = by_memory < by_cpus ? by_memory : by_cpus;

	return count ? (uint32_t)count : 1;
}

static int check_hugepages(const struct guest_spec *guest, struct error *err)
{
	uint32_t kib = guest->hugepage_kib ? guest->hugepage_kib : host_hugepages_default_kib();
	uint64_t free_mib = 0;

	if (!guest->memory_hugepages)
		return 0;
	if (!host_hugepages_free_mib("/sys", kib, &free_mib))
		return error_set(err, -ENOMEM, "guest %s: this host has no huge pages of %" PRIu32
				 " KiB (/sys/kernel/mm/hugepages)", guest->name, kib);
	if (guest->memory_mib <= free_mib)
		return 0;
	return error_set(err, -ENOMEM, "guest %s: needs %" PRIu64 " MiB of the host's huge pages "
			 "of %" PRIu32 " KiB, %" PRIu64 " MiB are free (/sys/kernel/mm/hugepages/"
			 "hugepages-%" PRIu32 "kB/nr_hugepages)", guest->name, guest->memory_mib,
			 kib, free_mib, kib);
}

bool experiment_has_hugepages(const struct guest_spec *guest)
{
	struct error missing = ERROR_INIT;

	return check_hugepages(guest, &missing) == 0;
}

static int check_memory(struct experiment *experiment, struct error *err)
{
	uint64_t available_mib = host_info_memory_available_mib();
	int rc = 0;

	experiment->memory_mib = available_mib > HOST_RESERVE_MIB ?
				 available_mib - HOST_RESERVE_MIB : 0;
	for (size_t i = 0; !rc && i < experiment->campaign->cells_count; i++) {
		const struct guest_spec *guest = &experiment->campaign->cells[i].guest;
		uint64_t needed_mib = experiment_guest_memory_mib(guest);

		if (needed_mib > experiment->memory_mib)
			return error_set(err, -ENOMEM, "guest %s: needs %" PRIu64 " MiB of memory "
					 "(with QEMU's own), %" PRIu64 " MiB are available less "
					 "%d MiB for the host", guest->name, needed_mib,
					 available_mib, HOST_RESERVE_MIB);
		rc = check_hugepages(guest, err);
	}
	return rc;
}

/* --- kernels ------------------------------------------------------------------- */

static int prepare_kernels(struct experiment *experiment, struct error *err)
{
	const struct campaign *campaign = experiment->campaign;

	experiment->kernel_keys = memory_alloc_array(campaign->variants_count,
						     sizeof(*experiment->kernel_keys));
	experiment->kernel_cached = memory_alloc_array(campaign->variants_count,
						       sizeof(*experiment->kernel_cached));
	experiment->kernels = memory_alloc_array(campaign->variants_count,
						 sizeof(*experiment->kernels));
	for (size_t i = 0; i < campaign->variants_count; i++) {
		const struct kernel_spec *spec = &campaign->variants[i].kernel;
		struct built_kernel kernel;
		struct error missing = ERROR_INIT;
		int rc = kernel_spec_key(spec, experiment->kernel_keys[i], err);

		if (rc)
			return error_prefix(err, "variant %s", campaign->variants[i].name);
		rc = kernel_find(experiment->cache, spec, &kernel, &missing);
		if (rc && rc != -ENOENT)
			return error_set(err, rc, "variant %s: %s", campaign->variants[i].name,
					 missing.message);
		experiment->kernel_cached[i] = !rc;
		if (!rc)
			built_kernel_release(&kernel);
	}
	return 0;
}

/* --- disk ---------------------------------------------------------------------- */

static bool same_key_before(const struct experiment *experiment, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (!strcmp(experiment->kernel_keys[i], experiment->kernel_keys[index]))
			return true;
	return false;
}

static uint64_t cache_need_mib(const struct experiment *experiment)
{
	const struct campaign *campaign = experiment->campaign;
	cleanup_free char *sources = path_join(kernel_cache_path(experiment->cache), "sources");
	cleanup_strvec struct strvec names = STRVEC_INIT;
	bool cold = folder_list(sources, &names) || !names.count;
	uint64_t need_mib = 0;

	for (size_t i = 0; i < campaign->variants_count; i++) {
		if (experiment->kernel_cached[i] || same_key_before(experiment, i))
			continue;
		need_mib += cold ? BASE_DISK_MIB : KERNEL_DISK_MIB;
		cold = false;
	}
	return need_mib;
}

/* Logs and samples; in exact mode the archives of the cells stay too. */
static uint64_t kept_mib(const struct experiment *experiment)
{
	const struct campaign *campaign = experiment->campaign;
	uint64_t trials = (uint64_t)campaign->cells_count *
			  (campaign->variants_count + campaign->control) *
			  (experiment->options->blocks_count ? experiment->options->blocks_count :
			   campaign->blocks_count);

	return trials * TRIAL_DISK_MIB +
	       experiment_is_exact(experiment) * campaign->cells_count * INITRD_DISK_MIB;
}

static uint64_t results_need_mib(const struct experiment *experiment)
{
	const struct campaign *campaign = experiment->campaign;
	uint64_t need_mib = kept_mib(experiment) + SPACE_MIN_MIB, running_mib = 0;

	for (size_t i = 0; i < campaign->cells_count; i++) {
		const struct guest_spec *guest = &campaign->cells[i].guest;
		uint64_t mib = experiment_concurrency(experiment, guest) *
			       (guest->pmem_mib + guest->disk_mib + INITRD_DISK_MIB);

		running_mib = mib > running_mib ? mib : running_mib;
	}
	return need_mib + running_mib;
}

static int check_free(const char *path, uint64_t need_mib, const char *what, struct error *err)
{
	uint64_t free_bytes = 0;
	int rc = disk_free_bytes(path, &free_bytes);

	if (rc)
		return error_set_errno(err, rc, "%s: cannot see how much disk is free", path);
	if (free_bytes / MIB >= need_mib)
		return 0;
	return error_set(err, -ENOSPC, "%s: %s needs about %" PRIu64 " MiB of disk, %" PRIu64
			 " MiB are free", path, what, need_mib, free_bytes / MIB);
}

static int check_disk(const struct experiment *experiment, struct error *err)
{
	uint64_t cache_mib = cache_need_mib(experiment);
	int rc = 0;

	if (cache_mib)
		rc = check_free(kernel_cache_path(experiment->cache), cache_mib,
				"building the kernels", err);
	if (!rc)
		rc = check_free(experiment->options->results_dir, results_need_mib(experiment),
				"the run", err);
	return rc;
}

int experiment_check_space(const struct experiment *experiment, struct error *err)
{
	return check_free(experiment->options->results_dir, SPACE_MIN_MIB, "going on", err);
}

/* --- all ------------------------------------------------------------------------- */

static int prepare(struct experiment *experiment, struct error *err)
{
	const struct experiment_options *options = experiment->options;
	cleanup_free char *workloads = path_join(options->build_dir, "workloads");
	int rc;

	experiment->cpus_count = host_info_cpus(experiment->cpus, EXPERIMENT_CPUS_MAX);
	rc = workload_catalog_load(workloads, &experiment->catalog, err);
	if (!rc)
		rc = prepare_cells(experiment, err);
	if (!rc)
		rc = check_memory(experiment, err);
	if (!rc)
		rc = choose_accelerator(experiment, err);
	if (!rc)
		reserve_cpus(experiment);
	if (!rc)
		rc = prepare_plugin(experiment, err);
	if (!rc)
		rc = kernel_cache_open(options->cache_path, options->cache_max_bytes,
				       &experiment->cache, err);
	if (!rc)
		rc = prepare_kernels(experiment, err);
	if (!rc)
		rc = check_disk(experiment, err);
	return rc;
}

int experiment_prepare(const struct campaign *campaign,
		       const struct experiment_options *options, struct experiment *ret,
		       struct error *err)
{
	int rc;

	*ret = (struct experiment){
		.options = options,
		.campaign = campaign,
		.run = { .control_variant = -1 },
		.lock = -1,
	};
	rc = prepare(ret, err);
	if (!rc)
		return 0;
	experiment_release(ret);
	*ret = (struct experiment){ .lock = -1 };
	return rc;
}

int experiment_check(const struct campaign *campaign,
		     const struct experiment_options *options, struct error *err)
{
	cleanup_experiment struct experiment experiment = { .lock = -1 };

	return experiment_prepare(campaign, options, &experiment, err);
}
