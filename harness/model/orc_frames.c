/* orc_frames.c - see orc_frames.h. What an entry means is
 * arch/x86/kernel/unwind_orc.c's unwind_next_frame() (7.3); registers are numbered
 * as in the psABI of x86-64, figure 3.36.
 */
#include "orc_frames.h"

#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "elf_image.h"
#include "memory.h"

/* .orc_header of the one format that is known: scripts/orc_hash.sh over
 * arch/x86/include/asm/orc_types.h of 7.3. */
static const unsigned char known_format[] = {
	0x13, 0x7c, 0x36, 0xad, 0x76, 0x27, 0xc4, 0xdd, 0x55, 0x93,
	0x21, 0x76, 0xbb, 0x0e, 0xcd, 0xbd, 0x50, 0x41, 0xfc, 0x82,
};

enum orc_register {
	ORC_UNDEFINED, ORC_AX, ORC_DX, ORC_SP, ORC_BP, ORC_DI, ORC_R10, ORC_R13,
	ORC_PREV_SP, ORC_SP_INDIRECT, ORC_BP_INDIRECT,
};
enum orc_type { TYPE_UNDEFINED, TYPE_END, TYPE_CALL, TYPE_REGS, TYPE_REGS_PARTIAL };

#define ORC_ENTRY_BYTES 6
#define ORC_IP_BYTES 4

struct orc_entry {
	uint64_t address;            /* of the first instruction it holds for */
	int16_t sp_offset, bp_offset;
	unsigned int sp, bp, type;   /* of the enums; others may be there */
	bool is_signal;              /* its caller was interrupted, and did not call */
};

struct orc_table {
	struct elf_part entries, addresses;
	size_t count;
};

/* DWARF's numbers. */
enum {
	REG_RAX = 0, REG_RDX = 1, REG_RDI = 5, REG_RBP = 6, REG_RSP = 7, REG_R10 = 10,
	REG_R13 = 13, REG_RIP = 16,
};
enum {
	CFA_OFFSET = 0x80, CFA_ADVANCE = 0x40, CFA_ADVANCE2 = 0x03, CFA_ADVANCE4 = 0x04,
	CFA_UNDEFINED = 0x07, CFA_SAME = 0x08, CFA_DEF = 0x0c, CFA_DEF_EXPRESSION = 0x0f,
	CFA_EXPRESSION = 0x10, OP_DEREF = 0x06, OP_CONSTS = 0x11, OP_PLUS = 0x22,
	OP_BREG = 0x70,
};

#define CIE_CALL 0          /* offsets of the two CIEs in the section */
#define CIE_SIGNAL 16
#define GROUP_ENTRIES_MAX 512u

/* Offsets in struct pt_regs, by DWARF register. */
static const uint8_t saved_at[] = { 80, 96, 88, 40, 104, 112, 32, 152, 72, 64, 56, 48, 24, 16,
				    8, 0, 128 };
#define IRET_RIP 0          /* in what the CPU itself saves */
#define IRET_RSP 24

/* --- writing ---------------------------------------------------------------------- */

static void add_byte(struct strbuf *out, unsigned int value)
{
	strbuf_addc(out, (char)value);
}

static void add_number(struct strbuf *out, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		add_byte(out, value >> (8 * i) & 0xff);
}

/* SLEB128 (DWARF 5, 7.6); a small ULEB128 below 64 is the same. */
static void add_sleb(struct strbuf *out, int64_t value)
{
	bool more = true;

	while (more) {
		unsigned int byte = value & 0x7f;

		value >>= 7;
		more = !((value == 0 && !(byte & 0x40)) || (value == -1 && (byte & 0x40)));
		add_byte(out, byte | (more ? 0x80 : 0));
	}
}

static void add_block(struct strbuf *out, const struct strbuf *block)
{
	add_byte(out, (unsigned int)block->length); /* always below 128 */
	strbuf_add(out, block->data, block->length);
}

static void add_plus(struct strbuf *expression, int64_t value)
{
	if (!value)
		return;
	add_byte(expression, OP_CONSTS);
	add_sleb(expression, value);
	add_byte(expression, OP_PLUS);
}

/* --- one entry ---------------------------------------------------------------------- */

/* -1: nothing that an entry may be based on. */
static int base_register(unsigned int orc)
{
	switch (orc) {
	case ORC_SP: case ORC_SP_INDIRECT: return REG_RSP;
	case ORC_BP: case ORC_BP_INDIRECT: return REG_RBP;
	case ORC_AX: return REG_RAX;
	case ORC_DX: return REG_RDX;
	case ORC_DI: return REG_RDI;
	case ORC_R10: return REG_R10;
	case ORC_R13: return REG_R13;
	default: return -1;
	}
}

/* An expression of what the unwinder calls sp: the caller's stack, or where the
 * saved registers are. */
static void add_base(struct strbuf *expression, const struct orc_entry *entry)
{
	bool is_plain = entry->sp == ORC_SP || entry->sp == ORC_BP ||
			entry->sp == ORC_BP_INDIRECT;

	add_byte(expression, OP_BREG + (unsigned int)base_register(entry->sp));
	add_sleb(expression, is_plain ? entry->sp_offset : 0);
	if (entry->sp == ORC_SP_INDIRECT || entry->sp == ORC_BP_INDIRECT)
		add_byte(expression, OP_DEREF);
	if (entry->sp == ORC_SP_INDIRECT)
		add_plus(expression, entry->sp_offset);
}

static void add_cfa(struct strbuf *out, const struct orc_entry *entry, int saved_rsp_at)
{
	cleanup_strbuf struct strbuf expression = STRBUF_INIT;

	if (saved_rsp_at < 0 && entry->sp == ORC_SP && entry->sp_offset >= 0 &&
	    entry->sp_offset < 64) {
		add_byte(out, CFA_DEF);
		add_byte(out, REG_RSP);
		add_byte(out, (unsigned int)entry->sp_offset);
		return;
	}
	add_base(&expression, entry);
	if (saved_rsp_at >= 0) {
		add_plus(&expression, saved_rsp_at);
		add_byte(&expression, OP_DEREF);
	}
	add_byte(out, CFA_DEF_EXPRESSION);
	add_block(out, &expression);
}

/* The register was saved that far from the entry's base. */
static void add_saved(struct strbuf *out, const struct orc_entry *entry, unsigned int reg,
		      int64_t at)
{
	cleanup_strbuf struct strbuf expression = STRBUF_INIT;

	add_base(&expression, entry);
	add_plus(&expression, at);
	add_byte(out, CFA_EXPRESSION);
	add_byte(out, reg);
	add_block(out, &expression);
}

static void add_frame_pointer(struct strbuf *out, const struct orc_entry *entry)
{
	cleanup_strbuf struct strbuf expression = STRBUF_INIT;

	if (entry->bp == ORC_PREV_SP) {
		add_saved(out, entry, REG_RBP, entry->bp_offset);
	} else if (entry->bp == ORC_BP) {
		add_byte(&expression, OP_BREG + REG_RBP);
		add_sleb(&expression, entry->bp_offset);
		add_byte(out, CFA_EXPRESSION);
		add_byte(out, REG_RBP);
		add_block(out, &expression);
	} else {
		add_byte(out, CFA_SAME);
		add_byte(out, REG_RBP);
	}
}

/* Entries of a group are all of one type, so that each sets the same rules. */
static void add_entry(struct strbuf *out, const struct orc_entry *entry)
{
	switch (entry->type) {
	case TYPE_CALL:
		add_cfa(out, entry, -1);
		add_byte(out, CFA_OFFSET | REG_RIP);
		add_byte(out, 1); /* times the data alignment, -8 */
		add_frame_pointer(out, entry);
		return;
	case TYPE_REGS:
		add_cfa(out, entry, saved_at[REG_RSP]);
		for (unsigned int reg = 0; reg < ARRAY_COUNT(saved_at); reg++)
			if (reg != REG_RSP)
				add_saved(out, entry, reg, saved_at[reg]);
		return;
	case TYPE_REGS_PARTIAL:
		add_cfa(out, entry, IRET_RSP);
		add_saved(out, entry, REG_RIP, IRET_RIP);
		add_frame_pointer(out, entry);
		return;
	default: /* the end of the stack, or nobody knows */
		add_byte(out, CFA_DEF);
		add_byte(out, REG_RSP);
		add_byte(out, 8);
		add_byte(out, CFA_UNDEFINED);
		add_byte(out, REG_RIP);
	}
}

static void add_advance(struct strbuf *out, uint64_t bytes)
{
	if (bytes < 0x40) {
		add_byte(out, CFA_ADVANCE | (unsigned int)bytes);
	} else if (bytes < 0x10000) {
		add_byte(out, CFA_ADVANCE2);
		add_number(out, bytes, 2);
	} else {
		add_byte(out, CFA_ADVANCE4);
		add_number(out, bytes, 4);
	}
}

/* --- the table ---------------------------------------------------------------------- */

static struct orc_entry read_entry(const struct orc_table *table, size_t index)
{
	const unsigned char *at = table->entries.data + index * ORC_ENTRY_BYTES;
	uint64_t ip_at = table->addresses.address + index * ORC_IP_BYTES;
	unsigned int bits = at[4] | (unsigned int)at[5] << 8;
	struct orc_entry entry = {
		.sp = bits & 15, .bp = bits >> 4 & 15, .type = bits >> 8 & 7,
		.is_signal = bits >> 11 & 1,
	};
	int32_t relative;

	memcpy(&entry.sp_offset, at, 2);
	memcpy(&entry.bp_offset, at + 2, 2);
	memcpy(&relative, table->addresses.data + index * ORC_IP_BYTES, 4);
	entry.address = ip_at + (uint64_t)(int64_t)relative;
	if (entry.type > TYPE_REGS_PARTIAL || base_register(entry.sp) < 0)
		entry.type = TYPE_UNDEFINED;
	return entry;
}

static int open_table(const struct elf_image *image, struct orc_table *ret_table,
		      struct error *err)
{
	struct orc_table table;
	struct elf_part header;

	if (!elf_image_find_section(image, ".orc_header", &header) ||
	    !elf_image_find_section(image, ".orc_unwind", &table.entries) ||
	    !elf_image_find_section(image, ".orc_unwind_ip", &table.addresses))
		return error_set(err, -ENODATA, "the kernel has no ORC tables");
	if (header.length != sizeof(known_format) ||
	    memcmp(header.data, known_format, sizeof(known_format)) != 0)
		return error_set(err, -ENODATA, "the kernel's ORC tables are of another "
				 "format than that of 7.3");
	table.count = table.addresses.length / ORC_IP_BYTES;
	if (table.count == 0 || table.addresses.length != table.count * ORC_IP_BYTES ||
	    table.entries.length != table.count * ORC_ENTRY_BYTES)
		return error_set(err, -EBADMSG, "the kernel's ORC tables do not fit together: "
				 "%zu and %zu bytes", table.entries.length,
				 table.addresses.length);
	*ret_table = table;
	return 0;
}

/* --- groups of entries: FDEs ---------------------------------------------------------- */

static void add_cies(struct strbuf *frames)
{
	static const unsigned char cies[] = {
		12, 0, 0, 0, 255, 255, 255, 255, 1, 0, 1, 0x78, REG_RIP, 0, 0, 0,
		16, 0, 0, 0, 255, 255, 255, 255, 1, 'z', 'S', 0, 1, 0x78, REG_RIP, 0,
		0, 0, 0, 0,
	};

	strbuf_add(frames, cies, sizeof(cies));
}

static void add_group(struct strbuf *frames, const struct orc_entry *first, uint64_t end,
		      const struct strbuf *rules)
{
	size_t length = 4 + 8 + 8 + (first->is_signal ? 1 : 0) + rules->length;
	size_t padding = -length % 4;

	add_number(frames, length + padding, 4);
	add_number(frames, first->is_signal ? CIE_SIGNAL : CIE_CALL, 4);
	add_number(frames, first->address, 8);
	add_number(frames, end - first->address, 8);
	if (first->is_signal)
		add_byte(frames, 0); /* bytes of augmentation data */
	strbuf_add(frames, rules->data, rules->length);
	add_number(frames, 0, (unsigned int)padding); /* DW_CFA_nop */
}

static bool belong_together(const struct orc_entry *first, const struct orc_entry *next,
			    size_t count)
{
	return count < GROUP_ENTRIES_MAX && first->type == next->type &&
	       first->is_signal == next->is_signal;
}

static int add_groups(struct strbuf *frames, const struct orc_table *table, struct error *err)
{
	cleanup_strbuf struct strbuf rules = STRBUF_INIT;
	struct orc_entry first = read_entry(table, 0), last = first;
	size_t count = 0;

	for (size_t i = 0; i < table->count; i++) {
		struct orc_entry entry = read_entry(table, i);

		if (entry.address < last.address)
			return error_set(err, -EBADMSG, "the kernel's ORC tables are not sorted");
		if (count && !belong_together(&first, &entry, count)) {
			add_group(frames, &first, entry.address, &rules);
			strbuf_reset(&rules);
			count = 0;
		}
		if (count == 0)
			first = entry;
		else
			add_advance(&rules, entry.address - last.address);
		add_entry(&rules, &entry);
		last = entry;
		count++;
	}
	add_group(frames, &first, last.address + 1, &rules);
	return 0;
}

/* --- the file ---------------------------------------------------------------------------- */

static const char section_names[] = "\0.text\0.debug_frame\0.shstrtab";

static void add_file(struct strbuf *out, const struct strbuf *frames, uint64_t first,
		     uint64_t end)
{
	const size_t frames_at = sizeof(Elf64_Ehdr);
	const size_t names_at = frames_at + frames->length;
	const size_t sections_at = names_at + sizeof(section_names) +
				   (-(names_at + sizeof(section_names)) % 8);
	const Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_shoff = sections_at, .e_ehsize = sizeof(Elf64_Ehdr),
		.e_shentsize = sizeof(Elf64_Shdr), .e_shnum = 4, .e_shstrndx = 3,
	};
	const Elf64_Shdr sections[] = {
		{ .sh_type = SHT_NULL },
		/* a debugger takes addresses against the code's section */
		{ .sh_name = 1, .sh_type = SHT_NOBITS, .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		  .sh_addr = first, .sh_size = end - first, .sh_addralign = 1 },
		{ .sh_name = 7, .sh_type = SHT_PROGBITS, .sh_offset = frames_at,
		  .sh_size = frames->length, .sh_addralign = 8 },
		{ .sh_name = 20, .sh_type = SHT_STRTAB, .sh_offset = names_at,
		  .sh_size = sizeof(section_names), .sh_addralign = 1 },
	};

	strbuf_add(out, &header, sizeof(header));
	strbuf_add(out, frames->data, frames->length);
	strbuf_add(out, section_names, sizeof(section_names));
	add_number(out, 0, (unsigned int)(sections_at - names_at - sizeof(section_names)));
	strbuf_add(out, sections, sizeof(sections));
}

int orc_frames_make(const void *vmlinux, size_t length, struct strbuf *ret_elf,
		    struct error *err)
{
	cleanup_strbuf struct strbuf frames = STRBUF_INIT;
	struct elf_image image;
	struct orc_table table;
	int rc = elf_image_open(vmlinux, length, &image, err);

	if (!rc)
		rc = open_table(&image, &table, err);
	if (rc)
		return rc;
	add_cies(&frames);
	rc = add_groups(&frames, &table, err);
	if (!rc)
		add_file(ret_elf, &frames, read_entry(&table, 0).address,
			 read_entry(&table, table.count - 1).address + 1);
	return rc;
}
