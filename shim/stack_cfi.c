/* SPDX-License-Identifier: MIT */
/*
 * stack_cfi.c - reads call frame information: the FDE of pc (stack_find.h), its CIE, and their CFA
 * program. Follows only the registers that lead to the next frame. What it does not understand ends
 * the trace there; nothing outside the object's mapping is read.
 *
 * Sources: LSB "Exception Frames", DWARF 5 section 6.4.
 */
#include "attrs.h"
#include "stack_arch.h"
#include "stack_cfi.h"
#include "stack_dwarf.h"
#include "stack_find.h"

#define STATES 6  /* depth of remember_state; compilers use 1, hand-written code 2 */

/* ---- CIE and FDE ----------------------------------------------------------------------------- */

struct cie {
	struct dwarf program;
	uint64_t code_align;
	int64_t data_align;
	uint8_t encoding; /* of pointers in its FDEs */
	bool augmented, signal;
};

static struct dwarf bytes_from(const struct object *o, uintptr_t at)
{
	bool bad = at < o->start || at >= o->end;

	return (struct dwarf){ (const uint8_t *)at, (const uint8_t *)o->end, bad };
}

/* The body of the entry at `at`; ret_id is where its id stands. */
static struct dwarf enter(const struct object *o, uintptr_t at, uintptr_t *ret_id)
{
	struct dwarf d = bytes_from(o, at);
	uint64_t bytes = dwarf_fixed(&d, 4);

	if (bytes == 0xffffffff)
		bytes = dwarf_fixed(&d, 8);
	*ret_id = (uintptr_t)d.at;
	return dwarf_block(&d, bytes);
}

static void skip_pointer(struct dwarf *d, uint8_t encoding)
{
	if (encoding != DWARF_OMIT)
		dwarf_format(d, encoding);
}

static void augmentation(struct dwarf *d, const uint8_t *s, struct cie *c)
{
	for (; *s; s++) {
		switch (*s) {
		case 'R':
			c->encoding = (uint8_t)dwarf_fixed(d, 1);
			break;
		case 'P': /* personality routine */
			skip_pointer(d, (uint8_t)dwarf_fixed(d, 1));
			break;
		case 'L': /* encoding of the language specific data */
			dwarf_fixed(d, 1);
			break;
		case 'S':
			c->signal = true;
			break;
		case 'B': /* return addresses signed with the second key, aarch64 */
			break;
		default:
			return; /* unknown: the length of it all is known */
		}
	}
}

static bool read_cie(const struct object *o, uintptr_t at, struct cie *c)
{
	uintptr_t id;
	struct dwarf d = enter(o, at, &id), data;
	const uint8_t *s;
	uint64_t version;

	*c = (struct cie){ .encoding = 0 };
	if (dwarf_fixed(&d, 4) != 0)
		return false;
	version = dwarf_fixed(&d, 1);
	s = d.at;
	while (dwarf_fixed(&d, 1))
		;
	c->code_align = dwarf_uleb(&d);
	c->data_align = dwarf_sleb(&d);
	if ((version == 1 ? dwarf_fixed(&d, 1) : dwarf_uleb(&d)) != REGS_RA ||
	    (version != 1 && version != 3))
		return false;
	c->augmented = *s == 'z';
	if (c->augmented) {
		data = dwarf_block(&d, dwarf_uleb(&d));
		augmentation(&data, s + 1, c);
		d.bad |= data.bad;
	} else if (*s) {
		return false;
	}
	c->program = d;
	return !d.bad;
}

/* ---- the state of a row: where the CFA and the two saved registers are ----------------------- */

enum place_kind {
	AT_same,  /* in its register */
	AT_cfa,	  /* CFA + offset */
	AT_sp,	  /* sp + offset; the CFA: its value, registers: the address of it */
	AT_fp,	  /* fp + offset */
	AT_deref, /* the CFA: at fp + offset */
	AT_saved_sp, /* the CFA: at sp + offset */
	AT_plt,
	AT_undefined,
	AT_elsewhere,
};

struct place {
	uint8_t kind;
	int64_t offset;
};

struct state {
	struct place cfa, fp, ra;
};

static struct place *place_of(struct state *s, uint64_t reg)
{
	if (reg == REGS_RA)
		return &s->ra;
	return reg == REGS_FP ? &s->fp : NULL;
}

static void set(struct state *s, uint64_t reg, uint8_t kind, int64_t offset)
{
	struct place *p = place_of(s, reg);

	if (p)
		*p = (struct place){ kind, offset };
}

static void set_cfa_register(struct state *s, uint64_t reg)
{
	s->cfa.kind = reg == REGS_SP ? AT_sp : reg == REGS_FP ? AT_fp : AT_elsewhere;
}

/* ---- expressions: the few shapes that compilers, linkers and libc write ---------------------- */

enum { OP_deref = 0x06, OP_and = 0x1a, OP_plus = 0x22, OP_shl = 0x24, OP_ge = 0x2a, OP_lit0 = 0x30,
       OP_lit3 = 0x33, OP_lit15 = 0x3f, OP_breg0 = 0x70 };

/* "register + constant", as a place. */
static struct place base_of(struct dwarf *e)
{
	uint64_t op = dwarf_fixed(e, 1);
	struct place p = { AT_elsewhere, dwarf_sleb(e) };

	if (op == OP_breg0 + REGS_SP)
		p.kind = AT_sp;
	else if (op == OP_breg0 + REGS_FP)
		p.kind = AT_fp;
	return e->bad ? (struct place){ AT_elsewhere, 0 } : p;
}

/* sp + 8 + ((pc & 15) >= N) * 8: behind `breg sp 8`. Returns 8 * N, 0 when it is not that. */
static int64_t plt_of(struct dwarf *e)
{
	static const uint8_t shape[] = { OP_breg0 + 16, 0,	 OP_lit15, OP_and, 0,
					 OP_ge,		OP_lit3, OP_shl,   OP_plus };
	uint8_t n;

	if (REGS_RA != 16 || e->end - e->at != sizeof(shape))
		return 0;
	n = e->at[4];
	if (memcmp(e->at, shape, 4) || memcmp(e->at + 5, shape + 5, 4))
		return 0;
	return n > OP_lit0 && n <= OP_lit15 ? 8 * (n - OP_lit0) : 0;
}

static struct place cfa_expression(struct dwarf *d)
{
	struct dwarf e = dwarf_block(d, dwarf_uleb(d));
	struct place p = base_of(&e);
	bool deref = e.end - e.at == 1 && *e.at == OP_deref;

	if (p.kind == AT_fp && deref)
		return (struct place){ AT_deref, p.offset };
	if (p.kind == AT_sp && deref)
		return (struct place){ AT_saved_sp, p.offset };
	if (p.kind == AT_sp && p.offset == 8 && plt_of(&e))
		return (struct place){ AT_plt, plt_of(&e) };
	return (struct place){ AT_elsewhere, 0 };
}

/* The address where a register is saved. */
static void saved_expression(struct dwarf *d, struct state *s)
{
	uint64_t reg = dwarf_uleb(d);
	struct dwarf e = dwarf_block(d, dwarf_uleb(d));
	struct place p = base_of(&e);

	set(s, reg, e.at == e.end ? p.kind : AT_elsewhere, p.offset);
}

/* ---- the program ----------------------------------------------------------------------------- */

struct program {
	struct dwarf d;
	const struct cie *cie;
	struct state state, initial;
	struct state saved[STATES];
	unsigned depth;
	uintptr_t loc;
};

static void restore(struct program *p, uint64_t reg)
{
	struct place *now = place_of(&p->state, reg);

	if (now)
		*now = *place_of(&p->initial, reg);
}

static void remember(struct program *p)
{
	if (p->depth < STATES)
		p->saved[p->depth++] = p->state;
	else
		p->d.bad = true;
}

static void recall(struct program *p)
{
	if (p->depth)
		p->state = p->saved[--p->depth];
	else
		p->d.bad = true;
}

/* Where the row ends: operations 1 to 4. */
static void advance(struct program *p, uint64_t op)
{
	if (op == 0x01)
		p->loc = dwarf_pointer(&p->d, p->cie->encoding);
	else
		p->loc += dwarf_fixed(&p->d, 1u << (op - 2)) * p->cie->code_align;
}

/* Definitions of the CFA: operations 0x0c to 0x0f, 0x12 and 0x13. */
static void define_cfa(struct program *p, uint64_t op)
{
	struct state *s = &p->state;

	if (op == 0x0f) {
		s->cfa = cfa_expression(&p->d);
		return;
	}
	if (op == 0x0c || op == 0x0d || op == 0x12)
		set_cfa_register(s, dwarf_uleb(&p->d));
	if (op == 0x0c || op == 0x0e)
		s->cfa.offset = (int64_t)dwarf_uleb(&p->d);
	else if (op != 0x0d)
		s->cfa.offset = dwarf_sleb(&p->d) * p->cie->data_align;
}

/* Where a register is saved: the other operations that name one. */
static void define_register(struct program *p, uint64_t op)
{
	struct dwarf *d = &p->d;
	struct state *s = &p->state;
	uint64_t reg = dwarf_uleb(d);

	switch (op) {
	case 0x05: /* offset_extended */
		set(s, reg, AT_cfa, (int64_t)dwarf_uleb(d) * p->cie->data_align);
		break;
	case 0x11: /* offset_extended_sf */
		set(s, reg, AT_cfa, dwarf_sleb(d) * p->cie->data_align);
		break;
	case 0x2f: /* GNU_negative_offset_extended */
		set(s, reg, AT_cfa, -(int64_t)dwarf_uleb(d) * p->cie->data_align);
		break;
	case 0x06:
		restore(p, reg);
		break;
	case 0x07:
		set(s, reg, AT_undefined, 0);
		break;
	case 0x08:
		set(s, reg, AT_same, 0);
		break;
	default: /* register, val_offset, val_offset_sf: fine unless it is needed */
		set(s, reg, AT_elsewhere, 0);
		dwarf_uleb(d);
	}
}

static void val_expression(struct program *p)
{
	uint64_t reg = dwarf_uleb(&p->d);

	set(&p->state, reg, AT_elsewhere, 0);
	dwarf_skip(&p->d, dwarf_uleb(&p->d));
}

/* The operations that are not packed into the top two bits. */
static void extended(struct program *p, uint64_t op)
{
	switch (op) {
	case 0x00: /* nop */
	case 0x2d: /* GNU_window_save; aarch64: negate_ra_state, see REGS_STRIP */
		break;
	case 0x01: case 0x02: case 0x03: case 0x04:
		advance(p, op);
		break;
	case 0x05: case 0x06: case 0x07: case 0x08: case 0x09: case 0x11: case 0x14: case 0x15:
	case 0x2f:
		define_register(p, op);
		break;
	case 0x0a:
		remember(p);
		break;
	case 0x0b:
		recall(p);
		break;
	case 0x0c: case 0x0d: case 0x0e: case 0x0f: case 0x12: case 0x13:
		define_cfa(p, op);
		break;
	case 0x10:
		saved_expression(&p->d, &p->state);
		break;
	case 0x16:
		val_expression(p);
		break;
	case 0x2e: /* GNU_args_size */
		dwarf_uleb(&p->d);
		break;
	default:
		p->d.bad = true;
	}
}

/* Run until the row of pc is complete. */
static bool run(struct program *p, uintptr_t pc)
{
	while (p->d.at < p->d.end && !p->d.bad && p->loc <= pc) {
		uint64_t op = dwarf_fixed(&p->d, 1), low = op & 0x3f;

		if (op >> 6 == 1)
			p->loc += low * p->cie->code_align;
		else if (op >> 6 == 2)
			set(&p->state, low, AT_cfa,
			    (int64_t)dwarf_uleb(&p->d) * p->cie->data_align);
		else if (op >> 6 == 3)
			restore(p, low);
		else
			extended(p, op);
	}
	return !p->d.bad;
}

/* ---- the row as a rule ----------------------------------------------------------------------- */

static bool is_at(struct place p, uint8_t kind, int64_t offset)
{
	return p.kind == kind && p.offset == offset;
}

/* Is this row the one that libc writes for the kernel's signal frame? */
static bool is_signal_row(const struct state *s)
{
	return is_at(s->cfa, AT_saved_sp, REGS_SIGNAL_SP) && is_at(s->ra, AT_sp, REGS_SIGNAL_PC) &&
	       is_at(s->fp, AT_sp, REGS_SIGNAL_FP);
}

static bool fits(int64_t offset)
{
	return offset == (int32_t)offset && !(offset & 7);
}

static void fp_rule(struct place fp, struct stack_rule *r)
{
	r->fp_how = fp.kind == AT_same	     ? FP_same :
		    fp.kind == AT_cfa	     ? FP_saved :
		    fp.kind == AT_fp	     ? FP_by_fp :
					       FP_unknown;
	r->fp = (int32_t)fp.offset;
	if (r->fp_how == FP_unknown || r->fp_how == FP_same || !fits(fp.offset))
		r->fp = 0;
	if (!fits(fp.offset))
		r->fp_how = FP_unknown;
}

static struct stack_rule rule_of(const struct state *s)
{
	static const uint8_t how[AT_elsewhere + 1] = { [AT_sp] = HOW_plain,
						       [AT_fp] = HOW_plain,
						       [AT_deref] = HOW_deref,
						       [AT_plt] = HOW_plt };
	struct stack_rule r = { .how = how[s->cfa.kind], .from_fp = s->cfa.kind == AT_fp };

	if (s->ra.kind == AT_undefined)
		return (struct stack_rule){ .how = HOW_end };
	if (!fits(s->cfa.offset) || !fits(s->ra.offset) ||
	    (s->ra.kind != AT_cfa && s->ra.kind != AT_same))
		return (struct stack_rule){ .how = HOW_none };
	fp_rule(s->fp, &r);
	r.cfa = (int32_t)s->cfa.offset;
	r.ra = (int32_t)s->ra.offset;
	r.ra_saved = s->ra.kind == AT_cfa;
	return r;
}

/* The FDE's body at its program, with its CIE; false when pc is not in it. */
static bool open_fde(const struct object *o, uintptr_t at, uintptr_t pc, struct cie *c,
		     struct program *p)
{
	uintptr_t id, start;
	struct dwarf d = enter(o, at, &id);
	uint64_t back = dwarf_fixed(&d, 4);

	if (!back || back > id - o->start || !read_cie(o, id - back, c))
		return false;
	start = dwarf_pointer(&d, c->encoding);
	if (pc < start || pc - start >= dwarf_format(&d, c->encoding & 0x0f))
		return false;
	if (c->augmented)
		dwarf_skip(&d, dwarf_uleb(&d));
	p->d = d;
	p->cie = c;
	p->loc = start;
	return !d.bad;
}

/*
 * A return address at the first byte of a function was put there by no call: makecontext does so.
 */
static COLD struct stack_rule uncovered(const struct object *o, uintptr_t pc)
{
	uintptr_t fde = find_fde(o, pc + 1);
	struct program p;
	struct cie c;
	bool starts = fde && open_fde(o, fde, pc + 1, &c, &p);

	return (struct stack_rule){ .how = starts ? HOW_end : HOW_none };
}

COLD struct stack_rule stack_cfi_rule(uintptr_t pc)
{
	static const struct stack_rule none, signal = { .how = HOW_signal };
	struct program p;
	struct dwarf d;
	struct object o;
	struct cie c;
	uintptr_t fde;

	if (!find_object(pc, &o))
		return none;
	fde = find_fde(&o, pc);
	if (!fde || !open_fde(&o, fde, pc, &c, &p))
		return uncovered(&o, pc);
	d = p.d;
	p.d = c.program; /* sets the state at the start of every function */
	p.depth = 0;
	p.state = p.initial = (struct state){ .cfa = { AT_elsewhere, 0 } };
	if (!run(&p, UINTPTR_MAX))
		return none;
	p.initial = p.state;
	p.d = d;
	if (!run(&p, pc))
		return none;
	if (c.signal)
		return is_signal_row(&p.state) ? signal : none;
	return rule_of(&p.state);
}

START_CODE void stack_cfi_warm_up(void)
{
	list_objects();
}
