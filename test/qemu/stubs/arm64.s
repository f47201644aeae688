// Performs accesses over tables that it is given, and writes down how each ended.
//
// Lies at 2 GiB in physical memory; starts in EL3, and goes on in EL1 where the tables map it. Each
// access is made behind an ERET to its mode: at the address itself (fetch), or by code below. All
// end in an exception: that of the access, or SVC behind it.
.set STUB, 0x80000000
.set TO_USER, 0x3c0
.set TO_PRIVILEGED, 0x3c5

.globl _start
_start:
    adr x0, parameters
    ldp x1, x2, [x0]
    msr sctlr_el1, x1
    msr tcr_el1, x2
    ldp x1, x2, [x0, #16]
    msr ttbr0_el1, x1
    msr ttbr1_el1, x2
    mov x1, #-1                     // all memory is normal
    msr mair_el1, x1
    mov x1, #0x401                  // EL2 is 64-bit, not secure
    msr scr_el3, x1
    mov x1, #0x80000000             // EL1 is 64-bit
    msr hcr_el2, x1
    ldr x1, =vectors
    msr vbar_el1, x1
    ldr x1, =mapped
    msr elr_el3, x1
    mov x1, #TO_PRIVILEGED
    msr spsr_el3, x1
    dsb sy
    isb
    eret

mapped:
    ldr x19, =_start + 0x200000     // requests
    ldr x20, =_start + 0x1000000    // results
    ldr x21, count
    mov w22, #1

next:
    cbz x21, finish
    ldp x0, x2, [x19], #16
    mov w1, #0
    mov x4, #TO_USER
    cmp x2, #3
    b.lo 1f
    mov x4, #TO_PRIVILEGED
    sub x2, x2, #3
1:  adr x3, load_it
    adr x5, store_it
    cmp x2, #1
    csel x3, x5, x3, eq
    csel x3, x0, x3, hi
    msr elr_el1, x3
    msr spsr_el1, x4
    eret

load_it:
    ldr w1, [x0, #16]
    svc #0
store_it:
    str w22, [x0, #32]
    svc #0

caught:
    mrs x5, esr_el1
    mrs x6, far_el1
    stp w5, w1, [x20], #8
    str x6, [x20], #8
    add w22, w22, #1
    sub x21, x21, #1
    b next

finish:
    mov w0, #0x18                   // SYS_EXIT of semihosting
    adr x1, exit_reason
    hlt #0xf000
    b .
.balign 8
exit_reason:
    .quad 0x20026, 0
.ltorg

.balign 2048
vectors:
.rept 16
    .balign 128
    b caught
.endr

// Written by who starts it.
.org 0x8000
parameters:
    .quad 0, 0, 0, 0
count:
    .quad 0
