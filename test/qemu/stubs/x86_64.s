# Performs accesses over tables that it is given, and writes down how each ended.
#
# Lies at 2 GiB in physical memory, and is linked to where the tables map it. Each access is made
# behind an IRETQ to its mode: at the address itself (fetch), or by code below. All end in an
# exception: that of the access, or #UD behind it.
.set STUB, 0x80000000
.set BOOT_ROOT, 0x8008
.set MODES, 0x8010
.set KERNEL_CODE, 0x08
.set KERNEL_DATA, 0x10
.set USER_DATA, 0x1b
.set USER_CODE, 0x23
.set TASK, 0x28

.globl _start
_start:
.code32
    mov $KERNEL_DATA, %eax
    mov %eax, %ds
    mov %eax, %ss
    mov STUB + MODES, %eax
    mov %eax, %cr4
    mov STUB + BOOT_ROOT, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx           # EFER: no-execute, long mode
    rdmsr
    or $0x900, %eax
    wrmsr
    mov $0x80010001, %eax           # paging, write protection of privileged mode, protected mode
    mov %eax, %cr0
    lgdtl STUB + low_gdt_pointer - _start
    ljmp $KERNEL_CODE, $STUB + start64 - _start

.code64
start64:
    movabs $mapped, %rax
    jmp *%rax
mapped:
    lgdt gdt_pointer(%rip)
    mov $KERNEL_DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov root(%rip), %rax
    mov %rax, %cr3

    lea idt(%rip), %rdi
    lea handlers(%rip), %rax
    mov $32, %ecx
1:  mov %ax, (%rdi)
    movw $KERNEL_CODE, 2(%rdi)
    movw $0x8e01, 4(%rdi)           # an interrupt gate, on the first stack of the task
    mov %rax, %rdx
    shr $16, %rdx
    mov %dx, 6(%rdi)
    shr $16, %rdx
    mov %edx, 8(%rdi)
    add $16, %rdi
    add $16, %rax
    dec %ecx
    jnz 1b
    lidt idt_pointer(%rip)

    lea task(%rip), %rax
    lea task_descriptor(%rip), %rdi
    mov %ax, 2(%rdi)
    shr $16, %rax
    mov %al, 4(%rdi)
    mov %ah, 7(%rdi)
    shr $16, %rax
    mov %eax, 8(%rdi)
    mov $TASK, %eax
    ltr %ax

    lea requests(%rip), %r12
    lea results(%rip), %r13
    mov count(%rip), %r14
    mov $1, %r15d

next:
    test %r14, %r14
    jz finish
    lea stack(%rip), %rsp
    mov (%r12), %rdi
    mov 8(%r12), %rcx
    xor %eax, %eax
    cmp $3, %rcx
    jb 1f
    pushq $KERNEL_DATA
    pushq %rsp
    pushq $2
    pushq $KERNEL_CODE
    sub $3, %rcx
    jmp 2f
1:  pushq $USER_DATA
    pushq %rsp
    pushq $2
    pushq $USER_CODE
2:  lea load_it(%rip), %rdx
    lea store_it(%rip), %rbx
    cmp $1, %rcx
    cmove %rbx, %rdx
    cmova %rdi, %rdx
    pushq %rdx
    iretq

load_it:
    mov 16(%rdi), %eax
    ud2
store_it:
    mov %r15d, 32(%rdi)
    ud2

caught:
    pop %rcx
    pop %rdx
    shl $8, %edx
    or %edx, %ecx
    mov %ecx, (%r13)
    mov %eax, 4(%r13)
    mov %cr2, %rdx
    mov %rdx, 8(%r13)
    add $16, %r12
    add $16, %r13
    inc %r15d
    dec %r14
    jmp next

finish:
    xor %eax, %eax
    out %al, $0xf4
    hlt

# The exceptions 8, 10-14, 17, 21, 29 and 30 come with an error code.
.balign 16
handlers:
.set vector, 0
.rept 32
    .balign 16
    .if (0x60227d00 >> vector) & 1
    .else
    pushq $0
    .endif
    pushq $vector
    jmp caught
    .set vector, vector + 1
.endr

.balign 8
gdt:
    .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff, 0x00cff2000000ffff, 0x00affa000000ffff
task_descriptor:
    .quad 0x0000890000000067, 0
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .quad gdt
low_gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long STUB + gdt - _start
idt_pointer:
    .word 32 * 16 - 1
    .quad idt

# Written by who starts it.
.org 0x8000
root:
    .quad 0
.org 0x8018
count:
    .quad 0

.org 0x9000
idt:
.org 0xa000
task:
    .space 36
    .quad stack
.org 0xf000
stack:
.set requests, _start + 0x200000
.set results, _start + 0x1000000
