/* elf_image.h - looks into x86-64 ELF files that are in memory: sections,
 * loadable segments, and the markers (workloads/runtime/marker.h) in their code.
 * Pure; nothing is trusted: whatever lies outside the file is refused or not
 * there. For kernels and for static programs of guests.
 */
#ifndef KERNGATE_MODEL_ELF_IMAGE_H
#define KERNGATE_MODEL_ELF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct elf_image {
	const unsigned char *data;   /* borrowed */
	size_t length;
	bool has_fixed_addresses;    /* ET_EXEC: loaded where it says */
	uint64_t sections_offset, segments_offset; /* of the tables */
	uint32_t sections_count, segments_count;
	uint32_t names_section;
};

struct elf_part {                    /* a section or a segment */
	const unsigned char *data;   /* borrowed; NULL where the file holds nothing */
	size_t length;               /* bytes in the file */
	uint64_t address;            /* where it is loaded */
	bool is_code;                /* executable */
};

/* -EBADMSG saying what is wrong with it as an x86-64 ELF file. */
int elf_image_open(const void *data, size_t length, struct elf_image *ret_image,
		   struct error *err) must_check;
/* False if there is none of that name, or it lies outside the file. */
bool elf_image_find_section(const struct elf_image *image, const char *name,
			    struct elf_part *ret_part);
/* Loadable segment number index (0 ..); false beyond the last one. One that
 * is not loaded, or lies outside the file, has no data. */
bool elf_image_segment(const struct elf_image *image, uint32_t index,
		       struct elf_part *ret_part);

/* Addresses of marker instructions with this constant in the image's code, in
 * rising order; *ret_addresses is owned by the caller, NULL where there are none. */
void elf_image_find_marker(const struct elf_image *image, uint32_t mark,
			   uint64_t **ret_addresses, size_t *ret_count);

#endif
