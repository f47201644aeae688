# Performs accesses over tables that it is given, and writes down how each ended.
#
# Lies at 2 GiB and runs in machine mode, which is not translated. Loads and stores are made as if
# in the mode of the access (MPRV); for a fetch the mode is entered, and ends in an exception.
.set MPP, 3 << 11
.set SUPERVISOR, 1 << 11
.set MPRV, 1 << 17
.set ECALL, 8

.option norelax
.globl _start
_start:
    la t0, satp_value
    ld t0, 0(t0)
    csrw satp, t0
    sfence.vma
    la t0, caught
    csrw mtvec, t0
    csrw medeleg, zero
    la t0, count
    ld s1, 0(t0)
    li s2, 0x80200000               # requests
    li s3, 0x81000000               # results
    li s4, 1
    li s5, MPRV
    li s6, MPP
    li s7, SUPERVISOR

next:
    beqz s1, finish
    ld a1, 0(s2)
    ld a2, 8(s2)
    li a0, 0
    csrc mstatus, s6
    li t1, 3
    bltu a2, t1, 1f
    csrs mstatus, s7
    addi a2, a2, -3
1:  li t1, 2
    beq a2, t1, fetch
    li t2, ECALL
    li t3, 0
    bnez a2, store
    csrs mstatus, s5
    lw a0, 16(a1)
    csrc mstatus, s5
    j record
store:
    csrs mstatus, s5
    sw s4, 32(a1)
    csrc mstatus, s5
    j record
fetch:
    csrw mepc, a1
    mret

.balign 4
caught:
    csrc mstatus, s5
    csrr t2, mcause
    csrr t3, mtval
record:
    sw t2, 0(s3)
    sw a0, 4(s3)
    sd t3, 8(s3)
    addi s2, s2, 16
    addi s3, s3, 16
    addi s4, s4, 1
    addi s1, s1, -1
    j next

finish:
    li a0, 0x18                     # SYS_EXIT of semihosting
    la a1, exit_reason
    .balign 16
    .option push
    .option norvc
    slli zero, zero, 0x1f
    ebreak
    srai zero, zero, 7
    .option pop
    j .
.balign 8
exit_reason:
    .quad 0x20026, 0

# Written by who starts it.
.org 0x8000
satp_value:
    .quad 0
count:
    .quad 0
