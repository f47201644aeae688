#!/usr/bin/env node
import { runProgram } from './program.ts';

// Not process.exit(): what stdout still holds has to be written.
process.exitCode = await runProgram(process.argv.slice(2));
