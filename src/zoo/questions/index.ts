/** The open questions of the mails that a search has answered. */
import { anonVma2006 } from './anon_vma_2006.ts';
import { hgmCollapse } from './hgm_collapse.ts';
import { hugetlbWalk } from './hugetlb_walk.ts';
import { MSHARE_QUESTIONS } from './mshare.ts';
import type { Question } from './question.ts';
import { SECONDARY_QUESTIONS } from './secondary.ts';
import { unifiedWalk } from './unified_walk.ts';

export type { Question, QuestionCase } from './question.ts';

export const QUESTIONS: readonly Question[] = [
  anonVma2006,
  ...MSHARE_QUESTIONS,
  ...SECONDARY_QUESTIONS,
  hugetlbWalk,
  unifiedWalk,
  hgmCollapse,
];
