/* Tests of engine/replay_stops.c: which markers of which programs of a guest. */
#include <errno.h>
#include <string.h>

#include "files.h"
#include "initramfs.h"
#include "memory.h"
#include "replay_stops.h"
#include "sample_elf.h"
#include "test.h"

/* Markers: the no-op, the region, begin or end. */
#define BEGIN(region) 0x0f, 0x1f, 0x84, 0x00, region, 0x00, 0x47, 0x4b
#define END(region) 0x0f, 0x1f, 0x84, 0x00, region, 0x80, 0x47, 0x4b

static const unsigned char init_code[] = { BEGIN(1), END(1) };
static const unsigned char fill_code[] = { 0x90, BEGIN(3), END(3), BEGIN(16), BEGIN(3) };
static const unsigned char wake_code[] = { BEGIN(3), BEGIN(16) };

struct trial_sample {
	struct replay_world world;    /* rows fill (workload fill) and wake */
	struct suite_row rows[2];
	char *folder;                 /* owned */
};

static void sample_release(struct trial_sample *sample)
{
	free(sample->world.common_path);
	free(sample->folder);
}

#define cleanup_sample cleanup_with(sample_release)
#define cleanup_stops cleanup_with(replay_stops_release)
#define NO_STOPS ((struct replay_stops){ .what = NULL })

static void add_program(struct initramfs *archive, const char *name, const void *code,
			size_t length)
{
	cleanup_strbuf struct strbuf elf = STRBUF_INIT;
	struct error err = ERROR_INIT;

	sample_elf_make(&elf, code, length, true, NULL, 0);
	CU_ASSERT_EQUAL(initramfs_add_data(archive, name, 0755, elf.data, elf.length, &err), 0);
}

static struct trial_sample make_sample(void)
{
	static char fill[] = "fill", wake[] = "wake", name[] = "RUN/1";
	struct trial_sample sample = { .folder = string_copy(test_temp_folder()) };
	struct initramfs *archive = NULL;
	struct error err = ERROR_INIT;

	sample.rows[0] = (struct suite_row){ .name = fill, .workload = fill };
	sample.rows[1] = (struct suite_row){ .name = wake, .workload = wake };
	sample.world.name = name;
	sample.world.common_path = path_join(sample.folder, "common.cpio");
	if (!test_check(initramfs_create(sample.world.common_path, &archive, &err) == 0))
		return sample;
	add_program(archive, "init", init_code, sizeof(init_code));
	add_program(archive, "kerngate/workloads/fill", fill_code, sizeof(fill_code));
	add_program(archive, "kerngate/workloads/wake", wake_code, sizeof(wake_code));
	/* not a program of ours, and not a program */
	add_program(archive, "usr/bin/tool", fill_code, sizeof(fill_code));
	CU_ASSERT_EQUAL(initramfs_add_data(archive, "kerngate/workloads/text", 0644, "text", 4,
					   &err), 0);
	CU_ASSERT_EQUAL(initramfs_close(archive, &err), 0);
	return sample;
}

/* The suite lies in the sample: it is set where the sample stays. */
static struct replay_world *world_of(struct trial_sample *sample)
{
	sample->world.suite = (struct suite){ .rows = sample->rows, .rows_count = 2 };
	return &sample->world;
}

static bool find(struct trial_sample *sample, const char *until, struct replay_stops *stops)
{
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(replay_stops_find(world_of(sample), until, sample->folder, stops, &err), 0);
	return test_check_string(err.message, "");
}

/* One step, and what is said of it. */
static void check_step(const struct replay_stops *stops, size_t index, uint32_t mark,
		       uint64_t skip, const uint64_t *offsets, size_t count)
{
	const struct replay_step *step = &stops->steps[index];

	if (!test_check(index < stops->steps_count && step->addresses_count == count))
		return;
	CU_ASSERT_EQUAL(step->mark, mark);
	CU_ASSERT_EQUAL(step->skip, skip);
	for (size_t i = 0; i < count; i++)
		CU_ASSERT_EQUAL(step->addresses[i],
				SAMPLE_ELF_ADDRESS + offsets[i]);
}

#define OFFSETS(...)                                                           \
	(const uint64_t[]){ __VA_ARGS__ }, sizeof((const uint64_t[]){ __VA_ARGS__ }) / 8

static void test_stops_at_rows(void)
{
	cleanup_sample struct trial_sample sample = make_sample();
	cleanup_stops struct replay_stops row = NO_STOPS, end = NO_STOPS;
	cleanup_free char *copy = path_join(sample.folder, "init");

	if (!find(&sample, "row:wake", &row) || !find(&sample, "end", &end))
		return;
	CU_ASSERT_EQUAL(row.steps_count, 1);
	check_step(&row, 0, 0x4b470001, 1, OFFSETS(0));
	test_check_string(row.what, "before row 2 (wake)");
	test_check_string(row.program_path, copy);
	CU_ASSERT_TRUE(path_exists(copy));
	check_step(&end, 0, 0x4b478001, 1, OFFSETS(8));
	test_check_string(end.what, "row 2 (wake) is over");
}

static void test_stops_at_rounds_and_regions(void)
{
	cleanup_sample struct trial_sample sample = make_sample();
	cleanup_stops struct replay_stops round = NO_STOPS, region = NO_STOPS;

	if (!find(&sample, "round:1.3", &round) || !find(&sample, "region:16:2", &region))
		return;
	CU_ASSERT_EQUAL(round.steps_count, 2);
	check_step(&round, 0, 0x4b470001, 0, OFFSETS(0));
	check_step(&round, 1, 0x4b470003, 2, OFFSETS(1, 25));
	test_check_string(round.program, "kerngate/workloads/fill");
	test_check_string(round.what, "before round 3 of row 1 (fill)");
	/* in any program; tools have none of ours */
	CU_ASSERT_EQUAL(region.steps_count, 1);
	check_step(&region, 0, 0x4b470010, 1, OFFSETS(17, 8));
	test_check_string(region.what, "before visit 2 of region 16");
	test_check_string(region.program, "kerngate/workloads/fill");
}

static void test_stops_where_it_went_wrong(void)
{
	cleanup_sample struct trial_sample sample = make_sample();
	struct finding finding = { .kind = FINDING_LOCKDEP };
	cleanup_stops struct replay_stops nothing = NO_STOPS, failed = NO_STOPS, found = NO_STOPS;

	if (!find(&sample, NULL, &nothing))
		return;
	CU_ASSERT_EQUAL(nothing.steps_count, 0);
	CU_ASSERT_FALSE(nothing.at_finding);
	CU_ASSERT_PTR_NULL(nothing.what);
	sample.world.bad_row = 2;
	if (!find(&sample, NULL, &failed))
		return;
	check_step(&failed, 0, 0x4b478001, 1, OFFSETS(8));
	sample.world.findings = &finding;
	sample.world.findings_count = 1;
	if (!find(&sample, NULL, &found))
		return;
	CU_ASSERT_TRUE(found.at_finding);
	CU_ASSERT_EQUAL(found.steps_count, 0);
	test_check_string(found.what, "at the finding (lockdep)");
	test_check_string(found.program, "kerngate/workloads/wake");
	CU_ASSERT_PTR_NOT_NULL(found.program_path);
}

/* A kernel that the seed moves is looked for at the first row, which is then over. */
static void test_looks_for_moved_kernels(void)
{
	cleanup_sample struct trial_sample sample = make_sample();
	cleanup_stops struct replay_stops still = NO_STOPS, moved = NO_STOPS, second = NO_STOPS;

	if (!find(&sample, "round:fill", &still))
		return;
	CU_ASSERT_EQUAL(still.first_row.mark, 0);
	CU_ASSERT_EQUAL(replay_step_skip(&still, &still.steps[0]), 0);
	sample.world.policy.kaslr = true;
	if (!find(&sample, "round:fill", &moved) || !find(&sample, "row:2", &second))
		return;
	CU_ASSERT_EQUAL(moved.first_row.mark, 0x4b470001);
	CU_ASSERT_EQUAL(moved.first_row.addresses_count, 1);
	CU_ASSERT_EQUAL(replay_step_skip(&moved, &moved.steps[0]), -1);
	CU_ASSERT_EQUAL(replay_step_skip(&moved, &moved.steps[1]), 0);
	CU_ASSERT_EQUAL(replay_step_skip(&second, &second.steps[0]), 0);
}

static void check_refused(struct trial_sample *sample, const char *until, int code, const char *part)
{
	struct replay_stops stops = { .what = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(replay_stops_find(world_of(sample), until, sample->folder, &stops, &err),
			code);
	test_check_contains(err.message, part);
	CU_ASSERT_EQUAL(stops.steps_count, 0);
}

static void test_refuses(void)
{
	cleanup_sample struct trial_sample sample = make_sample();

	check_refused(&sample, "rows", -EINVAL, "expected row:ROW");
	check_refused(&sample, "row:3", -ENOENT, "no row \"3\": expected one of 1 fill, 2 wake");
	check_refused(&sample, "region:17", -ENOENT, "has a marker of region 17");
	sample.rows[0].workload = sample.rows[0].name = (char[]){ "gone" };
	check_refused(&sample, "round:1", -ENOENT, "has a marker of region 3");
	free(sample.world.common_path);
	sample.world.common_path = path_join(sample.folder, "no.cpio");
	check_refused(&sample, "row:1", -ENOENT, "no.cpio");
	CU_ASSERT_EQUAL(file_write_atomic(sample.world.common_path, "no archive", 10, 0644), 0);
	check_refused(&sample, "row:1", -EBADMSG, "no.cpio");
}

TEST_SUITE("replay_stops",
	   {"stops at rows", test_stops_at_rows},
	   {"stops at rounds and regions", test_stops_at_rounds_and_regions},
	   {"stops where it went wrong", test_stops_where_it_went_wrong},
	   {"looks for moved kernels", test_looks_for_moved_kernels},
	   {"refuses", test_refuses})
