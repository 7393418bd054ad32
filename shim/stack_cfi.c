/* SPDX-License-Identifier: MIT */
/*
 * stack_cfi.c - reads call frame information: .eh_frame_hdr of the object that holds pc (found by
 * _dl_find_object: no lock, signal-safe), its FDE and CIE, and their CFA program. Follows only the
 * registers that lead to the next frame. What it does not understand ends the trace there.
 *
 * Sources: LSB "Exception Frames", DWARF 5 section 6.4, glibc manual (_dl_find_object).
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include "stack_arch.h"
#include "stack_cfi.h"

#pragma weak _dl_find_object

#define STATES 8 /* depth of remember_state */

struct reader {
	const uint8_t *at, *end;
	bool bad;
};

struct cie {
	const uint8_t *program, *end;
	uint64_t code_align;
	int64_t data_align;
	uint8_t encoding; /* of pointers in its FDEs */
	bool augmented, signal;
};

struct state {
	struct stack_rule rule;
	bool ra_undefined, lost;
};

/* ---- reading ---------------------------------------------------------------------------------- */

static uint64_t fixed(struct reader *r, unsigned bytes)
{
	uint64_t v = 0;

	if ((size_t)(r->end - r->at) < bytes) {
		r->bad = true;
		return 0;
	}
	memcpy(&v, r->at, bytes);
	r->at += bytes;
	return v;
}

static uint64_t uleb(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint64_t byte = fixed(r, 1);

		v |= (byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	r->bad = true;
	return 0;
}

static int64_t sleb(struct reader *r)
{
	uint64_t v = 0, byte;
	unsigned shift = 0;

	do {
		byte = fixed(r, 1);
		v |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && shift < 64);
	if (byte & 0x40 && shift < 64)
		v |= ~0ull << shift;
	return (int64_t)v;
}

/* A pointer in DW_EH_PE encoding: absolute or relative to where it stands. */
static uint64_t encoded(struct reader *r, uint8_t encoding)
{
	uint64_t base = (encoding & 0x70) == 0x10 ? (uintptr_t)r->at : 0;
	uint64_t v;

	switch (encoding & 0x0f) {
	case 0x00: /* absptr */
	case 0x04: /* udata8 */
	case 0x0c: /* sdata8 */
		v = fixed(r, 8);
		break;
	case 0x03: /* udata4 */
		v = fixed(r, 4);
		break;
	case 0x0b: /* sdata4 */
		v = (uint64_t)(int64_t)(int32_t)fixed(r, 4);
		break;
	case 0x01:
		v = uleb(r);
		break;
	default:
		r->bad = true;
		return 0;
	}
	return v + base;
}

/* ---- finding the FDE -------------------------------------------------------------------------- */

struct hdr {
	uint8_t version, frame_encoding, count_encoding, table_encoding;
	int32_t frame;
	uint32_t count;
	struct {
		int32_t pc, fde; /* relative to the header */
	} table[];
};

static const uint8_t *find_fde(uintptr_t pc)
{
	struct dl_find_object o;
	const struct hdr *h;
	int64_t want;
	uint32_t low = 0, high;

	if (!_dl_find_object || _dl_find_object((void *)pc, &o) || !o.dlfo_eh_frame)
		return NULL;
	h = o.dlfo_eh_frame;
	if (h->version != 1 || h->frame_encoding != 0x1b || h->count_encoding != 0x03 ||
	    h->table_encoding != 0x3b || !h->count)
		return NULL;
	want = (int64_t)(pc - (uintptr_t)h);
	for (high = h->count; high - low > 1;) {
		uint32_t middle = low + (high - low) / 2;

		if (h->table[middle].pc <= want)
			low = middle;
		else
			high = middle;
	}
	return h->table[low].pc <= want ? (const uint8_t *)h + h->table[low].fde : NULL;
}

/* ---- CIE and FDE ------------------------------------------------------------------------------ */

static bool enter(struct reader *r, const uint8_t *at)
{
	uint32_t bytes;

	memcpy(&bytes, at, 4);
	r->at = at + 4;
	r->end = at + 4 + bytes;
	r->bad = false;
	return bytes != 0 && bytes != 0xffffffff; /* 64-bit tables: not written by anybody */
}

static void augmentation(struct reader *r, const char *s, struct cie *c)
{
	for (; *s; s++) {
		switch (*s) {
		case 'R':
			c->encoding = (uint8_t)fixed(r, 1);
			break;
		case 'P':
			encoded(r, (uint8_t)fixed(r, 1) & 0x7f);
			break;
		case 'L':
			fixed(r, 1);
			break;
		case 'S':
			c->signal = true;
			break;
		case 'B': /* pointer authentication, aarch64 */
			break;
		default:
			r->bad = true;
			return;
		}
	}
}

static bool read_cie(const uint8_t *at, struct cie *c)
{
	struct reader r;
	const char *s;
	uint64_t version;

	*c = (struct cie){ .code_align = 1 };
	if (!enter(&r, at) || fixed(&r, 4) != 0)
		return false;
	version = fixed(&r, 1);
	s = (const char *)r.at;
	while (fixed(&r, 1) && !r.bad)
		;
	c->code_align = uleb(&r);
	c->data_align = sleb(&r);
	if ((version == 1 ? fixed(&r, 1) : uleb(&r)) != REGS_RA || (version != 1 && version != 3))
		return false;
	c->augmented = *s == 'z';
	if (c->augmented) {
		uint64_t bytes = uleb(&r);
		const uint8_t *after = r.at + bytes;

		augmentation(&r, s + 1, c);
		r.at = after;
	} else if (*s) {
		return false;
	}
	c->program = r.at;
	c->end = r.end;
	return !r.bad && r.at <= r.end;
}

/* ---- the fields of a rule; one that does not fit (a frame of more than 8 MiB) ends the trace ------ */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
static void set_cfa(struct state *s, int64_t offset)
{
	s->rule.cfa = offset;
	s->lost |= s->rule.cfa != offset;
}

static void set_fp(struct state *s, int64_t offset, bool from_fp)
{
	s->rule.fp2 = offset / 8 * 2 + from_fp;
	s->lost |= s->rule.fp2 >> 1 != offset / 8;
}

static void set_ra(struct state *s, int64_t offset)
{
	s->rule.ra8 = offset / 8;
	s->lost |= s->rule.ra8 != offset / 8;
}
#pragma GCC diagnostic pop

/* ---- expressions: the few shapes that compilers and linkers write -------------------------------- */

enum { OP_deref = 0x06, OP_breg0 = 0x70 };

static void cfa_expression(struct reader *r, struct state *s)
{
	uint64_t bytes = uleb(r);
	struct reader e = { r->at, r->at + bytes, false };
	uint64_t op = fixed(&e, 1);
	int64_t offset = sleb(&e);

	r->at += bytes;
	set_cfa(s, offset);
	if (op == OP_breg0 + REGS_FP && bytes >= 3 && fixed(&e, 1) == OP_deref && e.at == e.end)
		s->rule.how = HOW_fp_deref;
	else if (op == OP_breg0 + REGS_SP && offset == 8 && bytes == 11)
		s->rule.how = HOW_plt; /* sp + 8 + ((pc & 15) >= 11) * 8 */
	else
		s->lost = true;
}

/* Saved at an address computed from fp: only with HOW_fp_deref, and only "fp + constant". */
static void register_expression(struct reader *r, struct state *s)
{
	uint64_t reg = uleb(r), bytes = uleb(r);
	struct reader e = { r->at, r->at + bytes, false };

	r->at += bytes;
	if (reg == REGS_FP && fixed(&e, 1) == OP_breg0 + REGS_FP)
		set_fp(s, sleb(&e), true);
	else if (reg == REGS_RA || reg == REGS_FP)
		s->lost = true;
}

/* ---- the program ------------------------------------------------------------------------------ */

static void set_cfa_register(struct state *s, uint64_t reg)
{
	if (reg == REGS_SP)
		s->rule.how = HOW_sp;
	else if (reg == REGS_FP)
		s->rule.how = HOW_fp;
	else
		s->rule.how = HOW_none; /* in a prologue only; a later rule may mend it */
}

static void set_saved(struct state *s, uint64_t reg, int64_t offset)
{
	if (reg == REGS_FP)
		set_fp(s, offset, false);
	else if (reg == REGS_RA)
		set_ra(s, offset);
}

static void undefine(struct state *s, uint64_t reg)
{
	if (reg == REGS_RA)
		s->ra_undefined = true;
}

/* A register kept in another register, or computed: fine unless we need it. */
static void elsewhere(struct state *s, uint64_t reg)
{
	if (reg == REGS_RA)
		s->lost = true;
}

static void restore(struct state *s, const struct state *initial, uint64_t reg)
{
	if (reg == REGS_FP)
		s->rule.fp2 = initial->rule.fp2;
	else if (reg == REGS_RA)
		s->rule.ra8 = initial->rule.ra8;
}

struct program {
	struct reader r;
	const struct cie *cie;
	const struct state *initial;
	struct state state;
	struct state saved[STATES];
	unsigned depth;
	uintptr_t loc, pc;
};

static void remember(struct program *p)
{
	if (p->depth < STATES)
		p->saved[p->depth++] = p->state;
	else
		p->r.bad = true;
}

static void recall(struct program *p)
{
	if (p->depth)
		p->state = p->saved[--p->depth];
	else
		p->r.bad = true;
}

/* The operations that are not packed into the top two bits. false: past pc, or not understood. */
static void extended(struct program *p, uint64_t op)
{
	struct reader *r = &p->r;
	struct state *s = &p->state;
	const int64_t align = p->cie->data_align;
	uint64_t reg;

	switch (op) {
	case 0x00: /* nop */
	case 0x2d: /* GNU_window_save; aarch64: negate_ra_state, see REGS_STRIP */
		break;
	case 0x01: /* set_loc */
		p->loc = encoded(r, p->cie->encoding);
		break;
	case 0x02: case 0x03: case 0x04: /* advance_loc1, 2, 4 */
		p->loc += fixed(r, 1u << (op - 2)) * p->cie->code_align;
		break;
	case 0x05: /* offset_extended */
		reg = uleb(r);
		set_saved(s, reg, (int64_t)uleb(r) * align);
		break;
	case 0x06: /* restore_extended */
		restore(s, p->initial, uleb(r));
		break;
	case 0x07:
		undefine(s, uleb(r));
		break;
	case 0x08: /* same_value */
		reg = uleb(r);
		if (reg == REGS_FP)
			s->rule.fp2 = 0;
		break;
	case 0x09: /* register */
		reg = uleb(r);
		uleb(r);
		elsewhere(s, reg);
		break;
	case 0x0a:
		remember(p);
		break;
	case 0x0b:
		recall(p);
		break;
	case 0x0c: /* def_cfa */
		set_cfa_register(s, uleb(r));
		set_cfa(s, (int64_t)uleb(r));
		break;
	case 0x0d: /* def_cfa_register */
		set_cfa_register(s, uleb(r));
		break;
	case 0x0e: /* def_cfa_offset */
		set_cfa(s, (int64_t)uleb(r));
		break;
	case 0x0f:
		cfa_expression(r, s);
		break;
	case 0x10:
		register_expression(r, s);
		break;
	case 0x11: /* offset_extended_sf */
		reg = uleb(r);
		set_saved(s, reg, sleb(r) * align);
		break;
	case 0x12: /* def_cfa_sf */
		set_cfa_register(s, uleb(r));
		set_cfa(s, sleb(r) * align);
		break;
	case 0x13: /* def_cfa_offset_sf */
		set_cfa(s, sleb(r) * align);
		break;
	case 0x14: case 0x15: case 0x16: /* val_offset, val_offset_sf, val_expression */
		elsewhere(s, uleb(r));
		reg = op == 0x16 ? uleb(r) : 0;
		if (op == 0x14)
			uleb(r);
		else if (op == 0x15)
			sleb(r);
		r->at += reg;
		break;
	case 0x2e: /* GNU_args_size */
		uleb(r);
		break;
	default:
		r->bad = true;
	}
}

static bool run(struct program *p)
{
	while (p->r.at < p->r.end && !p->r.bad) {
		uint64_t op = fixed(&p->r, 1), low = op & 0x3f;
		uintptr_t before = p->loc;

		if (op >> 6 == 1)
			p->loc += low * p->cie->code_align;
		else if (op >> 6 == 2)
			set_saved(&p->state, low, (int64_t)uleb(&p->r) * p->cie->data_align);
		else if (op >> 6 == 3)
			restore(&p->state, p->initial, low);
		else
			extended(p, op);
		if (p->loc != before && p->loc > p->pc)
			break;
	}
	return !p->r.bad;
}

static struct stack_rule result(const struct state *s, bool signal)
{
	struct stack_rule rule = s->rule;

	if (signal)
		rule.how = HOW_signal;
	else if (s->ra_undefined)
		rule.how = HOW_end;
	else if (s->lost)
		rule.how = HOW_none;
	return rule;
}

COLD struct stack_rule stack_cfi_rule(uintptr_t pc)
{
	static const struct stack_rule none;
	const uint8_t *fde = find_fde(pc);
	struct program p = { .pc = pc };
	struct state initial = { .rule = { .ra8 = REGS_RA_OFFSET / 8 } };
	struct reader r;
	struct cie c;
	uint64_t start;
	uint32_t back;

	if (!fde || !enter(&r, fde))
		return none;
	back = (uint32_t)fixed(&r, 4);
	if (!back || !read_cie(fde + 4 - back, &c))
		return none;
	start = encoded(&r, c.encoding);
	if (pc < start || pc - start >= encoded(&r, c.encoding & 0x0f))
		return none;
	if (c.augmented) {
		uint64_t bytes = uleb(&r);

		r.at += bytes;
	}
	if (c.signal)
		return result(&initial, true);
	/* The CIE's program sets the state at the start of every function. */
	p.cie = &c;
	p.initial = &initial;
	p.state = initial;
	p.loc = 0;
	p.r = (struct reader){ c.program, c.end, false };
	if (!run(&p))
		return none;
	initial = p.state;
	p.loc = start;
	p.r = (struct reader){ r.at, r.end, r.bad };
	return run(&p) ? result(&p.state, false) : none;
}
