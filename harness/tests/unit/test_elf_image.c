/* Tests of model/elf_image.c and model/orc_frames.c, with ELF files made here. */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "elf_image.h"
#include "memory.h"
#include "orc_frames.h"
#include "sample_elf.h"
#include "strbuf.h"
#include "test.h"

/* --- images ------------------------------------------------------------------------------- */

static void test_finds_parts(void)
{
	cleanup_strbuf struct strbuf elf = STRBUF_INIT;
	const struct sample_section sections[] = { { ".a", "one", 3, 16 }, { ".ab", "two!", 4, 32 } };
	struct error err = ERROR_INIT;
	struct elf_image image;
	struct elf_part part;

	sample_elf_make(&elf, "code", 4, true, sections, 2);
	if (!test_check(elf_image_open(elf.data, elf.length, &image, &err) == 0))
		return;
	CU_ASSERT_TRUE(image.has_fixed_addresses);
	CU_ASSERT_TRUE(elf_image_find_section(&image, ".ab", &part));
	CU_ASSERT_EQUAL(part.length, 4);
	CU_ASSERT_EQUAL(part.address, 32);
	CU_ASSERT_EQUAL(memcmp(part.data, "two!", 4), 0);
	CU_ASSERT_TRUE(elf_image_find_section(&image, ".a", &part));
	CU_ASSERT_EQUAL(memcmp(part.data, "one", 3), 0);
	CU_ASSERT_FALSE(elf_image_find_section(&image, ".abc", &part));
	CU_ASSERT_TRUE(elf_image_segment(&image, 0, &part));
	CU_ASSERT_TRUE(part.is_code);
	CU_ASSERT_EQUAL(part.address, 0x400000);
	CU_ASSERT_EQUAL(memcmp(part.data, "code", 4), 0);
	CU_ASSERT_FALSE(elf_image_segment(&image, 1, &part));
}

static void check_refused(const struct strbuf *elf, size_t length, const char *expected)
{
	/* its own memory, so that reading beyond it is seen */
	cleanup_free char *data = memory_alloc(length);
	struct error err = ERROR_INIT;
	struct elf_image image;

	memcpy(data, elf->data, length);
	CU_ASSERT_EQUAL(elf_image_open(data, length, &image, &err), -EBADMSG);
	test_check_contains(err.message, expected);
}

static void test_refuses_what_is_no_elf_file(void)
{
	cleanup_strbuf struct strbuf elf = STRBUF_INIT;
	Elf64_Ehdr *header;

	sample_elf_make(&elf, "code", 4, true, NULL, 0);
	header = (Elf64_Ehdr *)(void *)elf.data;
	check_refused(&elf, 0, "only 0 bytes");
	check_refused(&elf, 63, "only 63 bytes");
	check_refused(&elf, elf.length - 1, "cut off");
	header->e_shoff = UINT64_MAX - 8;
	check_refused(&elf, elf.length, "cut off");
	header->e_phentsize = 1;
	check_refused(&elf, elf.length, "program headers of 1 bytes: expected 56");
	header->e_machine = EM_386;
	check_refused(&elf, elf.length, "x86-64");
	elf.data[1] = 'e';
	check_refused(&elf, elf.length, "not an ELF file");
}

static void test_passes_over_parts_outside(void)
{
	cleanup_strbuf struct strbuf elf = STRBUF_INIT;
	const struct sample_section sections[] = { { ".a", "one", 3, 16 } };
	struct error err = ERROR_INIT;
	Elf64_Shdr *headers;
	Elf64_Phdr *segment;
	struct elf_image image;
	struct elf_part part;
	uint64_t *addresses = NULL;
	size_t count = 9;

	sample_elf_make(&elf, "codecode", 8, true, sections, 1);
	if (!test_check(elf_image_open(elf.data, elf.length, &image, &err) == 0))
		return;
	headers = (Elf64_Shdr *)(void *)(elf.data + image.sections_offset);
	segment = (Elf64_Phdr *)(void *)(elf.data + image.segments_offset);
	headers[1].sh_size = elf.length;
	segment->p_filesz = UINT64_MAX;
	CU_ASSERT_FALSE(elf_image_find_section(&image, ".a", &part));
	CU_ASSERT_TRUE(elf_image_segment(&image, 0, &part));
	CU_ASSERT_PTR_NULL(part.data);
	elf_image_find_marker(&image, 1, &addresses, &count);
	CU_ASSERT_PTR_NULL(addresses);
	CU_ASSERT_EQUAL(count, 0);
	headers[2].sh_offset = elf.length + 1; /* the names */
	CU_ASSERT_FALSE(elf_image_find_section(&image, ".a", &part));
}

/* --- markers --------------------------------------------------------------------------------- */

static const unsigned char code_with_markers[] = {
	0x90, 0x0f, 0x1f, 0x84, 0x00, 0x03, 0x00, 0x47, 0x4b, /* at 1: region 3 begins */
	0x0f, 0x1f, 0x84, 0x00, 0x03, 0x80, 0x47, 0x4b,       /* at 9: it ends */
	0xc3, 0x0f, 0x1f, 0x84, 0x00, 0x03, 0x00, 0x47, 0x4b, /* at 18: it begins */
	0x0f, 0x1f, 0x84, 0x00, 0x03, 0x00, 0x47,             /* cut */
};

static void check_markers(bool is_code, uint32_t mark, const uint64_t *expected,
			  size_t expected_count)
{
	cleanup_strbuf struct strbuf elf = STRBUF_INIT;
	struct error err = ERROR_INIT;
	struct elf_image image;
	cleanup_free uint64_t *addresses = NULL;
	size_t count = 99;

	sample_elf_make(&elf, code_with_markers, sizeof(code_with_markers), is_code, NULL, 0);
	if (!test_check(elf_image_open(elf.data, elf.length, &image, &err) == 0))
		return;
	elf_image_find_marker(&image, mark, &addresses, &count);
	if (!test_check(count == expected_count))
		return;
	for (size_t i = 0; i < count; i++)
		CU_ASSERT_EQUAL(addresses[i], expected[i]);
}

static void test_finds_markers(void)
{
	static const uint64_t begins[] = { 0x400001, 0x400012 }, end[] = { 0x400009 };

	check_markers(true, 0x4b470003, begins, 2);
	check_markers(true, 0x4b478003, end, 1);
	check_markers(true, 0x4b470004, NULL, 0);
	check_markers(false, 0x4b470003, NULL, 0);
}

/* --- frames ----------------------------------------------------------------------------------- */

static const unsigned char format_7_3[] = {
	0x13, 0x7c, 0x36, 0xad, 0x76, 0x27, 0xc4, 0xdd, 0x55, 0x93,
	0x21, 0x76, 0xbb, 0x0e, 0xcd, 0xbd, 0x50, 0x41, 0xfc, 0x82,
};

/* At 0x1000: CFA = rsp + 8. At 0x1001: rsp + 16, rbp saved at CFA - 16. At
 * 0x1004: the end of the stack. */
static const unsigned char entries[] = {
	8, 0, 0, 0, 0x03, 0x02,
	16, 0, 0xf0, 0xff, 0x83, 0x02,
	0, 0, 0, 0, 0x00, 0x01,
};
#define TABLE_AT 0x2000

static void make_orc(struct strbuf *elf, const void *format, const int32_t *relative,
		     size_t entries_bytes)
{
	const struct sample_section sections[] = {
		{ ".orc_header", format, sizeof(format_7_3), 0 },
		{ ".orc_unwind_ip", relative, 12, TABLE_AT },
		{ ".orc_unwind", entries, entries_bytes, 0x3000 },
	};

	sample_elf_make(elf, "", 0, true, sections, ARRAY_COUNT(sections));
}

static const int32_t ips[] = { 0x1000 - TABLE_AT, 0x1001 - TABLE_AT - 4,
			       0x1004 - TABLE_AT - 8 };

static void test_makes_frames(void)
{
	static const unsigned char expected[] = {
		/* the two CIEs */
		12, 0, 0, 0, 255, 255, 255, 255, 1, 0, 1, 0x78, 16, 0, 0, 0,
		16, 0, 0, 0, 255, 255, 255, 255, 1, 'z', 'S', 0, 1, 0x78, 16, 0, 0, 0, 0, 0,
		/* calls: 4 bytes from 0x1000 */
		44, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0,
		0x0c, 7, 8,          /* CFA rsp + 8 */
		0x90, 1, 0x08, 6,    /* rip at CFA - 8, rbp as it is */
		0x41,                /* one byte on */
		0x0c, 7, 16, 0x90, 1,
		0x10, 6, 5, 0x77, 16, 0x11, 0x70, 0x22, /* rbp at rsp + 16 - 16 */
		0, 0, 0,
		/* the end: 1 byte from 0x1004 */
		28, 0, 0, 0, 0, 0, 0, 0, 4, 0x10, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
		0x0c, 7, 8, 0x07, 16, 0, 0, 0,
	};
	cleanup_strbuf struct strbuf elf = STRBUF_INIT, frames = STRBUF_INIT;
	struct error err = ERROR_INIT;
	struct elf_image image;
	struct elf_part part;

	make_orc(&elf, format_7_3, ips, sizeof(entries));
	if (!test_check(orc_frames_make(elf.data, elf.length, &frames, &err) == 0) ||
	    !test_check(elf_image_open(frames.data, frames.length, &image, &err) == 0) ||
	    !test_check(elf_image_find_section(&image, ".debug_frame", &part)))
		return;
	CU_ASSERT_EQUAL(part.length, sizeof(expected));
	for (size_t i = 0; i < sizeof(expected) && i < part.length; i++)
		if (!test_check(part.data[i] == expected[i]))
			fprintf(stderr, "byte %zu: %#x, expected %#x\n", i, part.data[i],
				expected[i]);
}

static void check_no_frames(const struct strbuf *elf, int code, const char *expected)
{
	cleanup_strbuf struct strbuf frames = STRBUF_INIT;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(orc_frames_make(elf->data, elf->length, &frames, &err), code);
	test_check_contains(err.message, expected);
	CU_ASSERT_EQUAL(frames.length, 0);
}

static void test_makes_no_frames(void)
{
	static const int32_t unsorted[] = { 0x1004 - TABLE_AT, 0x1001 - TABLE_AT - 4, 0 };
	static const unsigned char other_format[sizeof(format_7_3)] = { 1 };
	cleanup_strbuf struct strbuf none = STRBUF_INIT, other = STRBUF_INIT, cut = STRBUF_INIT,
			     mixed = STRBUF_INIT, no_elf = STRBUF_INIT;

	sample_elf_make(&none, "code", 4, true, NULL, 0);
	check_no_frames(&none, -ENODATA, "no ORC tables");
	make_orc(&other, other_format, ips, sizeof(entries));
	check_no_frames(&other, -ENODATA, "another format");
	make_orc(&cut, format_7_3, ips, sizeof(entries) - 6);
	check_no_frames(&cut, -EBADMSG, "12 and 12 bytes");
	make_orc(&mixed, format_7_3, unsorted, sizeof(entries));
	check_no_frames(&mixed, -EBADMSG, "not sorted");
	check_no_frames(&no_elf, -EBADMSG, "not an ELF file");
}

TEST_SUITE("elf_image",
	   {"finds parts", test_finds_parts},
	   {"refuses what is no ELF file", test_refuses_what_is_no_elf_file},
	   {"passes over parts outside", test_passes_over_parts_outside},
	   {"finds markers", test_finds_markers},
	   {"makes frames", test_makes_frames},
	   {"makes no frames", test_makes_no_frames})
