# Performs accesses over tables that it is given, and writes down how each ended.
#
# Is the firmware, at address 0 where interrupts go, and lies at 2 GiB too, where the tables map it.
# Each access is made behind an RFID to its mode: at the address itself (fetch), or by code below.
# All end in an interrupt: that of the access, or of SC behind it. What it reads and writes besides
# the tables is little-endian.
.set STUB, 0x80000000
.set LPCR, 318
.set LPIDR, 319
.set PTCR, 464
.set PIDR, 48
# 64 bits, hypervisor, translation of instructions and of data; and user mode.
.set PRIVILEGED, 0x30
.set USER, 0x4030

.macro large register, upper
    lis \register, \upper
    clrldi \register, \register, 32
.endm

.machine power9
.globl _start
_start:
.org 0x10
    b reset

.macro vector number
.org \number
    mtsprg 1, 4
    li 4, \number
    b caught
.endm
vector 0x300
vector 0x380
vector 0x400
vector 0x480
vector 0x700
vector 0xc00

.org 0x2000
reset:
    large 20, 0x8000
    addi 21, 20, 0x7ff8             # parameters
    addi 21, 21, 8
    ldbrx 5, 0, 21
    li 6, 8
    ldbrx 7, 6, 21                  # the address where the tables map the stub
    li 6, 16
    ldbrx 22, 6, 21                 # requests to do
    mtspr PTCR, 5
    li 5, 0
    mtspr LPIDR, 5
    li 5, 5
    mtspr PIDR, 5
    lis 5, 0x50                     # UPRT, HR
    mtspr LPCR, 5
    isync
    large 23, 0x8020                # requests
    large 24, 0x8100                # results
    li 25, 1
    li 26, 1
    sldi 26, 26, 63
    li 5, 1
    sldi 5, 5, 60
    or 26, 26, 5
    addi 27, 7, load_it - _start
    addi 28, 7, store_it - _start

next:
    cmpdi 22, 0
    beq finish
    ldbrx 4, 0, 23
    li 6, 8
    ldbrx 5, 6, 23
    li 3, 0
    ori 6, 26, PRIVILEGED
    cmpdi 5, 3
    blt 1f
    subi 5, 5, 3
    b 2f
1:  ori 6, 26, USER
2:  mtsrr1 6
    mtsrr0 27
    cmpdi 5, 1
    blt 3f
    mtsrr0 28
    beq 3f
    mtsrr0 4
3:  li 7, 16
    li 8, 32
    rfid

load_it:
    lwbrx 3, 7, 4
    sc
store_it:
    stwbrx 25, 8, 4
    sc

caught:
    cmpdi 4, 0x300
    beq data
    cmpdi 4, 0x380
    beq data
    mfsrr0 5
    cmpdi 4, 0x400
    bne record
    mfsrr1 6
    rlwinm 6, 6, 0, 1, 4            # why not
    or 4, 4, 6
    b record
data:
    mfdar 5
    cmpdi 4, 0x300
    bne record
    mfdsisr 6
    or 4, 4, 6
record:
    stwbrx 4, 0, 24
    li 6, 4
    stwbrx 3, 6, 24
    li 6, 8
    stdbrx 5, 6, 24
    addi 23, 23, 16
    addi 24, 24, 16
    addi 25, 25, 1
    subi 22, 22, 1
    b next

# Who started it waits for this.
finish:
    li 5, 1
    li 6, 24
    sync
    stdbrx 5, 6, 21
    b .
