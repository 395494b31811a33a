/* guest_image.c - the initramfs of a trial: a common archive and a plan, joined
 * (guest_image.h). docs/result-format.md has the plan.
 */
#include "guest_image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "files.h"
#include "initramfs.h"
#include "memory.h"
#include "process.h"

#define WORKLOADS_FOLDER "kerngate/workloads"
#define TOOLS_FOLDER "kerngate/tools"
#define PLAN_PATH "kerngate/plan"
#define PADDING_PATH "kerngate/padding"
#define ARCHIVE_ALIGNMENT 4
#define BUSYBOX_TIMEOUT_NS (UINT64_C(10) * 1000000000)
#define COPY_BYTES 65536

/* --- the common archive ---------------------------------------------------------- */

static int add_base(struct initramfs *archive, const char *init_path,
		    struct error *err)
{
	static const char *const folders[] = { "dev", "proc", "run", "sys", "tmp",
					       WORKLOADS_FOLDER, TOOLS_FOLDER };
	size_t i;
	int r;

	for (i = 0; i < ARRAY_COUNT(folders); i++) {
		r = initramfs_add_folder(archive, folders[i], 0755, err);
		if (r < 0)
			return r;
	}
	/* The kernel opens it for PID 1 before anything is mounted. */
	r = initramfs_add_device(archive, "dev/console", S_IFCHR | 0600,
				 makedev(5, 1), err);
	if (r < 0)
		return r;
	return initramfs_add_file(archive, "init", 0755, init_path, err);
}

static int add_tool(struct initramfs *archive, const char *tool,
		    struct strvec *added, struct error *err)
{
	cleanup_free char *path = process_find_program(tool);
	cleanup_free char *link = string_format(TOOLS_FOLDER "/%s", tool);
	int r;

	if (strvec_contains(added, tool))
		return 0;
	strvec_push(added, tool);
	if (!path)
		return error_set(err, -ENOENT, "program %s: not on this host", tool);
	r = initramfs_add_program(archive, path, err);
	if (r < 0)
		return r;
	/* PATH in the guest begins with this folder, wherever the host has it. */
	return initramfs_add_link(archive, link, path, err);
}

static int add_workload(struct initramfs *archive,
			const struct workload_catalog *catalog,
			const struct workload_info *info, struct strvec *added,
			struct error *err)
{
	cleanup_free char *from = path_join(catalog->folder, info->name);
	cleanup_free char *name = path_join(WORKLOADS_FOLDER, info->name);
	size_t i;
	int r;

	if (strvec_contains(added, name))
		return 0;
	strvec_push(added, name);
	r = initramfs_add_file(archive, name, 0755, from, err);
	for (i = 0; r == 0 && i < info->needs_tools.count; i++)
		r = add_tool(archive, info->needs_tools.items[i], added, err);
	return r;
}

static int add_suite(struct initramfs *archive,
		     const struct workload_catalog *catalog,
		     const struct suite *suite, struct error *err)
{
	cleanup_strvec struct strvec added = STRVEC_INIT;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && suite && i < suite->rows_count; i++) {
		const struct workload_info *info = NULL;

		r = workload_catalog_find(catalog, suite->rows[i].workload, &info,
					  err);
		if (r == 0)
			r = add_workload(archive, catalog, info, &added, err);
		if (r < 0 || !suite->rows[i].load.workload)
			continue;
		r = workload_catalog_find(catalog, suite->rows[i].load.workload, &info, err);
		if (r == 0)
			r = add_workload(archive, catalog, info, &added, err);
	}
	return r;
}

static int add_shell(struct initramfs *archive, struct error *err)
{
	cleanup_free char *busybox = process_find_program("busybox");
	cleanup_free char *output = NULL;
	const char *argv[] = { busybox, "--list", NULL };
	struct process_options options = {
		.capture = true, .timeout_ns = BUSYBOX_TIMEOUT_NS,
	};
	char *name, *state = NULL;
	int r;

	if (!busybox)
		return error_set(err, -ENOENT, "a shell needs the program busybox "
				 "on this host (Debian package busybox-static)");
	r = process_run(argv, &options, &output, err);
	if (r == 0)
		r = initramfs_add_program(archive, busybox, err);
	/* Its own path is /usr/bin/busybox or /bin/busybox. */
	if (r == 0 && strcmp(busybox, "/bin/busybox") != 0)
		r = initramfs_add_link(archive, "bin/busybox", busybox, err);
	for (name = strtok_r(output, "\n", &state); r == 0 && name;
	     name = strtok_r(NULL, "\n", &state)) {
		cleanup_free char *link = path_join("bin", name);

		if (strcmp(name, "busybox") != 0)
			r = initramfs_add_link(archive, link, "busybox", err);
	}
	return r;
}

int guest_image_write_common(const struct workload_catalog *catalog,
			     const char *init_path, const struct suite *suite,
			     bool shell, const char *path, struct error *err)
{
	struct initramfs *archive = NULL;
	int r = initramfs_create(path, &archive, err);

	if (r < 0)
		return r;
	r = add_base(archive, init_path, err);
	if (r == 0)
		r = add_suite(archive, catalog, suite, err);
	if (r == 0 && shell)
		r = add_shell(archive, err);
	if (r < 0) {
		initramfs_discard(archive);
		return r;
	}
	return initramfs_close(archive, err);
}

/* --- the plan --------------------------------------------------------------------- */

static int plan_add_word(struct strbuf *plan, const char *what, const char *word,
			 struct error *err)
{
	if (!*word || strpbrk(word, " \t\r\n"))
		return error_set(err, -EINVAL,
				 "plan: %s '%s': expected a word without blanks",
				 what, word);
	strbuf_adds(plan, word);
	return 0;
}

static int plan_add_arguments(struct strbuf *plan, const struct strvec *arguments,
			      struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < arguments->count; i++) {
		strbuf_addc(plan, ' ');
		r = plan_add_word(plan, "argument", arguments->items[i], err);
	}
	strbuf_addc(plan, '\n');
	return r;
}

static int plan_add_load(struct strbuf *plan, const struct suite_load *load,
			 struct error *err)
{
	int r;

	if (!load->workload)
		return 0;
	strbuf_adds(plan, "load ");
	r = plan_add_word(plan, "load", load->workload, err);
	return r == 0 ? plan_add_arguments(plan, &load->arguments, err) : r;
}

static int plan_add_row(struct strbuf *plan, const struct suite_row *row,
			struct error *err)
{
	int r;

	strbuf_adds(plan, "row ");
	r = plan_add_word(plan, "row", row->name, err);
	strbuf_addc(plan, ' ');
	if (r == 0)
		r = plan_add_word(plan, "workload", row->workload, err);
	strbuf_addf(plan, " %u", row->timeout_s);
	if (r == 0)
		r = plan_add_arguments(plan, &row->arguments, err);
	return r == 0 ? plan_add_load(plan, &row->load, err) : r;
}

static int plan_format(const struct suite *suite, const char *trial_id,
		       const struct strvec *sysctls, struct strbuf *plan,
		       struct error *err)
{
	size_t i;
	int r;

	strbuf_adds(plan, "plan 1\ntrial ");
	r = plan_add_word(plan, "trial", trial_id, err);
	strbuf_addc(plan, '\n');
	for (i = 0; r == 0 && sysctls && i < sysctls->count; i++) {
		const char *sysctl = sysctls->items[i];

		if (!strchr(sysctl, '=') || strpbrk(sysctl, "\r\n"))
			return error_set(err, -EINVAL,
					 "plan: sysctl '%s': expected NAME=VALUE",
					 sysctl);
		strbuf_addf(plan, "sysctl %s\n", sysctl);
	}
	for (i = 0; r == 0 && suite && i < suite->rows_count; i++)
		r = plan_add_row(plan, &suite->rows[i], err);
	strbuf_adds(plan, "end\n");
	return r;
}

/* Zeros: what counts is how many pages they take. */
static int add_padding(struct initramfs *archive, uint32_t padding_bytes,
		       struct error *err)
{
	cleanup_free char *zeros = memory_alloc(padding_bytes);

	if (!padding_bytes)
		return 0;
	return initramfs_add_data(archive, PADDING_PATH, 0644, zeros,
				  padding_bytes, err);
}

int guest_image_write_plan(const struct suite *suite, const char *trial_id,
			   const struct strvec *sysctls, uint32_t padding_bytes,
			   const char *path, struct error *err)
{
	cleanup_strbuf struct strbuf plan = STRBUF_INIT;
	struct initramfs *archive = NULL;
	int r = plan_format(suite, trial_id, sysctls, &plan, err);

	if (r == 0)
		r = initramfs_create(path, &archive, err);
	if (r < 0)
		return r;
	r = initramfs_add_data(archive, PLAN_PATH, 0644, plan.data, plan.length,
			       err);
	if (r == 0)
		r = add_padding(archive, padding_bytes, err);
	if (r < 0) {
		initramfs_discard(archive);
		return r;
	}
	return initramfs_close(archive, err);
}

/* --- both together ------------------------------------------------------------------ */

static int write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, data, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		length -= (size_t)n;
	}
	return 0;
}

/* Appends a file, then zeros up to the next archive's alignment. */
static int file_append(const char *from, int to_fd, const char *to,
		       struct error *err)
{
	static const char zeros[ARCHIVE_ALIGNMENT];
	cleanup_free char *block = memory_alloc(COPY_BYTES);
	cleanup_close int fd = open(from, O_RDONLY | O_CLOEXEC);
	uint64_t total = 0;
	ssize_t n;
	int r;

	if (fd < 0)
		return error_set_errno(err, -errno, "%s", from);
	while ((n = read(fd, block, COPY_BYTES)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, -errno, "%s", from);
		r = write_all(to_fd, block, (size_t)n);
		if (r < 0)
			return error_set_errno(err, r, "%s", to);
		total += (uint64_t)n;
	}
	r = write_all(to_fd, zeros, (size_t)(-total % ARCHIVE_ALIGNMENT));
	if (r < 0)
		return error_set_errno(err, r, "%s", to);
	return 0;
}

int guest_image_join(const char *common_path, const char *plan_path,
		     const char *path, struct error *err)
{
	cleanup_close int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int r;

	if (fd < 0)
		return error_set_errno(err, -errno, "%s", path);
	r = file_append(common_path, fd, path, err);
	if (r == 0)
		r = file_append(plan_path, fd, path, err);
	if (r < 0)
		(void)unlink(path);
	return r;
}
