# The firmware: from reset to 32-bit protected mode, then to the stub in memory.
# 64 KiB that end at 4 GiB, where the processor starts; the code segment starts at 0xffff0000.
.code16
rom:
reset:
    cli
    lgdtl %cs:gdt_pointer - rom
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    ljmpl $8, $0x80000000
.balign 8
gdt:
    .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long 0xffff0000 + gdt - rom
.org 0xfff0
    jmp reset
.org 0x10000
