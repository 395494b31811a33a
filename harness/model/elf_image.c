/* elf_image.c - see elf_image.h. The format: System V ABI, chapter 4 and 5
 * ("Object Files", "Program Loading"), and elf(5).
 */
#include "elf_image.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "memory.h"

#define MARKER_BYTES 8

static bool is_inside(const struct elf_image *image, uint64_t offset, uint64_t length)
{
	return offset <= image->length && length <= image->length - offset;
}

static int check_header(const Elf64_Ehdr *header, struct error *err)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return error_set(err, -EBADMSG, "not an ELF file");
	if (header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_machine != EM_X86_64)
		return error_set(err, -EBADMSG, "not an ELF file of x86-64");
	if (header->e_phnum && header->e_phentsize != sizeof(Elf64_Phdr))
		return error_set(err, -EBADMSG, "ELF program headers of %u bytes: expected %zu",
				 header->e_phentsize, sizeof(Elf64_Phdr));
	if (header->e_shnum && header->e_shentsize != sizeof(Elf64_Shdr))
		return error_set(err, -EBADMSG, "ELF section headers of %u bytes: expected %zu",
				 header->e_shentsize, sizeof(Elf64_Shdr));
	return 0;
}

int elf_image_open(const void *data, size_t length, struct elf_image *ret_image,
		   struct error *err)
{
	struct elf_image image = { .data = data, .length = length };
	Elf64_Ehdr header;
	int rc;

	if (length < sizeof(header))
		return error_set(err, -EBADMSG, "not an ELF file: only %zu bytes", length);
	memcpy(&header, data, sizeof(header));
	rc = check_header(&header, err);
	if (rc)
		return rc;
	image.has_fixed_addresses = header.e_type == ET_EXEC;
	image.sections_offset = header.e_shoff;
	image.sections_count = header.e_shnum;
	image.segments_offset = header.e_phoff;
	image.segments_count = header.e_phnum;
	image.names_section = header.e_shstrndx;
	if (!is_inside(&image, header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr)) ||
	    !is_inside(&image, header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr)))
		return error_set(err, -EBADMSG, "ELF file is cut off: its headers lie beyond "
				 "its %zu bytes", length);
	*ret_image = image;
	return 0;
}

/* --- sections --------------------------------------------------------------------- */

static bool read_section(const struct elf_image *image, uint32_t index, Elf64_Shdr *ret)
{
	if (index >= image->sections_count)
		return false;
	memcpy(ret, image->data + image->sections_offset + index * sizeof(*ret), sizeof(*ret));
	return true;
}

static bool has_name(const struct elf_image *image, const Elf64_Shdr *names, uint32_t at,
		     const char *name)
{
	size_t length = strlen(name) + 1;

	return at < names->sh_size && length <= names->sh_size - at &&
	       memcmp(image->data + names->sh_offset + at, name, length) == 0;
}

bool elf_image_find_section(const struct elf_image *image, const char *name,
			    struct elf_part *ret_part)
{
	Elf64_Shdr names, section;

	if (!read_section(image, image->names_section, &names) ||
	    !is_inside(image, names.sh_offset, names.sh_size))
		return false;
	for (uint32_t i = 0; read_section(image, i, &section); i++) {
		if (section.sh_type == SHT_NULL || !has_name(image, &names, section.sh_name, name))
			continue;
		if (section.sh_type == SHT_NOBITS ||
		    !is_inside(image, section.sh_offset, section.sh_size))
			return false;
		*ret_part = (struct elf_part){
			.data = image->data + section.sh_offset,
			.length = section.sh_size,
			.address = section.sh_addr,
			.is_code = section.sh_flags & SHF_EXECINSTR,
		};
		return true;
	}
	return false;
}

/* --- segments --------------------------------------------------------------------- */

bool elf_image_segment(const struct elf_image *image, uint32_t index, struct elf_part *ret_part)
{
	Elf64_Phdr segment;

	if (index >= image->segments_count)
		return false;
	memcpy(&segment, image->data + image->segments_offset + index * sizeof(segment),
	       sizeof(segment));
	*ret_part = (struct elf_part){ .address = segment.p_vaddr,
				       .is_code = segment.p_flags & PF_X };
	if (segment.p_type == PT_LOAD && is_inside(image, segment.p_offset, segment.p_filesz)) {
		ret_part->data = image->data + segment.p_offset;
		ret_part->length = segment.p_filesz;
	}
	return true;
}

/* --- markers ------------------------------------------------------------------------ */

static void find_in_code(const struct elf_part *code, const unsigned char bytes[MARKER_BYTES],
			 uint64_t **addresses, size_t *count)
{
	const unsigned char *at = code->data, *end = code->data + code->length;

	while ((at = memmem(at, (size_t)(end - at), bytes, MARKER_BYTES)) != NULL) {
		*addresses = memory_realloc_array(*addresses, *count + 1, sizeof(**addresses));
		(*addresses)[(*count)++] = code->address + (uint64_t)(at - code->data);
		at += MARKER_BYTES;
	}
}

static int compare_addresses(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

void elf_image_find_marker(const struct elf_image *image, uint32_t mark,
			   uint64_t **ret_addresses, size_t *ret_count)
{
	unsigned char bytes[MARKER_BYTES] = { 0x0f, 0x1f, 0x84, 0x00 };
	struct elf_part segment;
	uint64_t *addresses = NULL;
	size_t count = 0;

	for (int i = 0; i < 4; i++)
		bytes[4 + i] = (unsigned char)(mark >> (8 * i));
	for (uint32_t i = 0; elf_image_segment(image, i, &segment); i++)
		if (segment.is_code && segment.data)
			find_in_code(&segment, bytes, &addresses, &count);
	if (count)
		qsort(addresses, count, sizeof(*addresses), compare_addresses);
	*ret_addresses = addresses;
	*ret_count = count;
}
