/* doctor_tools.c - programs, headers and our own parts that runs need. */
#include <elf.h>
#include <string.h>

#include "campaign.h"
#include "clock.h"
#include "doctor_checks.h"
#include "files.h"
#include "memory.h"
#include "process.h"

/* First line of `program argument`; owned, or NULL. */
static char *first_line_of(const char *program, const char *argument)
{
	const char *const argv[] = { program, argument, NULL };
	const struct process_options options = {
		.capture = true, .timeout_ns = 10 * NS_PER_SECOND,
	};
	char *output = NULL;

	if (process_run(argv, &options, &output, NULL) < 0)
		return NULL;
	output[strcspn(output, "\n")] = '\0';
	return output;
}

static void check_program(struct checks *checks, const char *program,
			  const char *package, enum check_state without,
			  const char *purpose)
{
	cleanup_free char *path = process_find_program(program);
	cleanup_free char *fix =
		string_format("apt-get install %s (or make deps)", package);

	if (path)
		checks_add(checks, CHECK_OK, program, NULL, "%s", path);
	else
		checks_add(checks, without, program, fix, "not found; %s", purpose);
}

/* Compilers say their version: it is part of every kernel's key. */
static void check_compiler(struct checks *checks)
{
	cleanup_free char *gcc = first_line_of("gcc", "--version");
	cleanup_free char *ld = first_line_of("ld", "--version");

	if (gcc && ld)
		checks_add(checks, CHECK_OK, "compiler", NULL, "%s; %s", gcc, ld);
	else
		checks_add(checks, CHECK_MISSING, "compiler",
			   "apt-get install build-essential (or make deps)",
			   "%s does not run; kernels cannot be built",
			   gcc ? "ld" : "gcc");
}

static const struct {
	const char *program, *package;
} kernel_tools[] = {
	{ "make", "make" }, { "flex", "flex" }, { "bison", "bison" },
	{ "bc", "bc" }, { "git", "git" },
};

static void check_kernel_tools(struct checks *checks)
{
	cleanup_strbuf struct strbuf found = STRBUF_INIT;
	cleanup_strbuf struct strbuf missing = STRBUF_INIT;
	cleanup_strbuf struct strbuf fix = STRBUF_INIT;

	strbuf_adds(&fix, "apt-get install");
	for (size_t i = 0; i < ARRAY_COUNT(kernel_tools); i++) {
		cleanup_free char *path =
			process_find_program(kernel_tools[i].program);

		strbuf_addf(path ? &found : &missing, "%s ",
			    kernel_tools[i].program);
		if (!path)
			strbuf_addf(&fix, " %s", kernel_tools[i].package);
	}
	strbuf_adds(&fix, " (or make deps)");
	if (missing.length)
		checks_add(checks, CHECK_MISSING, "kernel tools", fix.data,
			   "not found: %s", missing.data);
	else
		checks_add(checks, CHECK_OK, "kernel tools", NULL, "%s", found.data);
}

static void check_headers(struct checks *checks)
{
	bool has_elf = path_exists("/usr/include/gelf.h");
	bool has_ssl = path_exists("/usr/include/openssl/evp.h");

	if (has_elf && has_ssl)
		checks_add(checks, CHECK_OK, "kernel headers", NULL,
			   "libelf and openssl headers are there");
	else
		checks_add(checks, CHECK_NOTE, "kernel headers",
			   "apt-get install libelf-dev libssl-dev (or make deps)",
			   "%s not found: objtool or certificates will not build",
			   has_elf ? "openssl/evp.h" : "gelf.h");
}

/* Whether an ELF program needs no loader (elf(5): no PT_INTERP). */
static bool is_static_program(const char *path)
{
	cleanup_fclose FILE *file = fopen(path, "re");
	Elf64_Ehdr header;
	Elf64_Phdr segment;

	if (!file || fread(&header, sizeof(header), 1, file) != 1 ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_phentsize != sizeof(segment) ||
	    fseek(file, (long)header.e_phoff, SEEK_SET) != 0)
		return false;
	for (unsigned int i = 0; i < header.e_phnum; i++) {
		if (fread(&segment, sizeof(segment), 1, file) != 1)
			return false;
		if (segment.p_type == PT_INTERP)
			return false;
	}
	return true;
}

static void check_busybox(struct checks *checks)
{
	cleanup_free char *path = process_find_program("busybox");

	if (path && is_static_program(path))
		checks_add(checks, CHECK_OK, "busybox", NULL, "%s, static", path);
	else
		checks_add(checks, CHECK_NOTE, "busybox",
			   "apt-get install busybox-static (or make deps)",
			   "%s; kerngate boot --shell needs a static one",
			   path ? "not static" : "not found");
}

static void check_own_parts(const struct globals *globals, struct checks *checks)
{
	cleanup_free char *init = path_join(globals->build_dir, "guest_init");
	cleanup_free char *exec = path_join(globals->build_dir,
					    "kerngate-guest-exec");
	cleanup_free char *workloads = path_join(globals->build_dir, "workloads");
	cleanup_strvec struct strvec names = STRVEC_INIT;

	if (access(init, X_OK) < 0 || access(exec, X_OK) < 0 ||
	    folder_list(workloads, &names) < 0 || names.count == 0)
		checks_add(checks, CHECK_MISSING, "guest programs", "make build",
			   "guest_init, kerngate-guest-exec or workloads/ are not in %s",
			   globals->build_dir);
	else
		checks_add(checks, CHECK_OK, "guest programs", NULL, "in %s",
			   globals->build_dir);
}

static void describe_source(const struct source_spec *source,
			    struct strbuf *text)
{
	if (text->length)
		strbuf_adds(text, ", then ");
	strbuf_addf(text, "%s ", source_kind_name(source->kind));
	switch (source->kind) {
	case SOURCE_DEBIAN:
		strbuf_addf(text, "%s from %s", source->package, source->suite);
		break;
	case SOURCE_GIT:
		strbuf_addf(text, "%s of %s", source->ref, source->url);
		break;
	case SOURCE_TARBALL:
		strbuf_adds(text, source->location);
		break;
	case SOURCE_DIR:
		strbuf_adds(text, source->path);
		break;
	}
}

static void check_base(const struct globals *globals, const char *name,
		       struct checks *checks)
{
	cleanup_with(kernel_base_release) struct kernel_base base = { .name = NULL };
	cleanup_free char *title = string_format("base %s", name);
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	struct error err = ERROR_INIT;

	if (kernel_base_load(globals->project_root, name, &base, &err) < 0) {
		checks_add(checks, CHECK_MISSING, title, "mend the file", "%s",
			   err.message);
		return;
	}
	for (size_t i = 0; i < base.sources_count; i++)
		describe_source(&base.sources[i], &text);
	checks_add(checks, CHECK_NOTE, title, NULL, "would try: %s", text.data);
}

static void check_bases(const struct globals *globals, struct checks *checks)
{
	cleanup_free char *folder = path_join(globals->project_root, "kernel/bases");
	cleanup_strvec struct strvec names = STRVEC_INIT;

	if (folder_list(folder, &names) < 0) {
		checks_add(checks, CHECK_MISSING, "project",
			   "run it in the project's folder, or use --root",
			   "no %s", folder);
		return;
	}
	for (size_t i = 0; i < names.count; i++) {
		size_t length = strlen(names.items[i]);

		if (length <= 5 || strcmp(names.items[i] + length - 5, ".yaml") != 0)
			continue;
		names.items[i][length - 5] = '\0';
		check_base(globals, names.items[i], checks);
	}
}

void doctor_check_tools(const struct globals *globals, struct checks *checks)
{
	check_own_parts(globals, checks);
	check_compiler(checks);
	check_kernel_tools(checks);
	check_headers(checks);
	check_program(checks, "apt-get", "apt", CHECK_NOTE,
		      "bases of kind debian cannot be fetched");
	check_program(checks, "cyclictest", "rt-tests", CHECK_MISSING,
		      "the cyclictest workload packs it into guests");
	check_busybox(checks);
	check_program(checks, "gnuplot", "gnuplot-nox", CHECK_NOTE,
		      "there will be no figures");
	check_bases(globals, checks);
}
