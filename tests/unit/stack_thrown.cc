/* SPDX-License-Identifier: MIT */
/*
 * stack_thrown.cc - C++ for test_stack_paths.c: calls that are left by an exception, which leaves the
 * words of their frames behind.
 */
namespace {

__attribute__((noinline)) void throw_below(int depth, void (*end)())
{
	volatile char room[48];

	room[depth % 48] = 1;
	if (depth > 0) {
		throw_below(depth - 1, end);
	} else {
		end();
		throw 1;
	}
	room[depth % 48]++;
}

struct Cleaned {
	void (*end)();
	~Cleaned() { end(); }
};

} // namespace

/* `end` runs at the bottom, in a destructor while the exception is on its way, and in the handler. */
extern "C" void stack_thrown(int depth, void (*end)())
{
	try {
		Cleaned c = { end };
		throw_below(depth, end);
	} catch (int) {
		end();
	}
	__asm__ volatile("" ::: "memory");
}
