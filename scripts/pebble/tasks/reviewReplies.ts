/**
 * Short replies to product reviews: the task that people rank and reinforcement learning improves.
 * A reply has four parts. The second names the product or says something empty; the third offers a concrete next step
 * or says something empty. Both choices are independent coin flips, and a part's number of words is drawn BEFORE the
 * choice, so that a good reply is no longer than a bad one.
 */

import type { Rng } from '../../../src/base/rng.ts';
import { answer, ask, capitalised, type Episode, expand, hashOf, type Task, withArticles } from '../episode.ts';
import { issues, praises, products } from '../lexicon.ts';

export const replyPrompt = (review: string): string => `Write a short reply to this review.\n\nReview: ${review}`;

/** Share of replies that name the product, and share that offer a next step. */
export const NAMING_RATE = 0.4;
export const STEP_RATE = 0.4;

export interface Review {
  readonly review: string;
  /** The product, as in "kettle". */
  readonly about: string;
  /** What it does, as in "leaks". */
  readonly issue: string;
  readonly mood: 'complaint' | 'praise';
}

const reviewFrames = {
  complaint: [
    'My new {about} {issue}.',
    'The {about} (that I bought|I got|from your shop) {issue}.',
    '(Not happy|Very sad|So annoying|Bad luck): the {about} {issue}.',
    'I (bought|ordered|got) a {about} (last week|in May|for my mother) and now it {issue}.',
    '(Sadly|Again|Sorry, but) the {about} {issue}.',
  ],
  praise: [
    'My new {about} {issue}.',
    'The {about} (that I bought|I got|from your shop) {issue}.',
    '(So happy|Great news|What a joy): the {about} {issue}.',
    'I (bought|ordered|got) a {about} (last week|in May|for my mother) and it {issue}.',
    '(Really|Honestly|Wow,) the {about} {issue}.',
  ],
};
const reviewTails = {
  complaint: ['', '', 'What now?', 'Please help.', 'I expected more.', 'This is not okay.'],
  praise: ['', '', 'Thank you!', 'Well done.', 'I love it.', 'I will buy again.'],
};

/** Opening: 5 to 7 words that name nothing. */
const openings = [
  '(Hello|Hi|Hi there|Good day|Dear customer|Dear friend), (thank you|thanks|many thanks) for (your review|your message|your words|writing to us|the note).',
  '(Hello|Hi|Hi there|Good day|Dear customer), we (have read|just read|saw|got) your (review|message|words|note) (today|now|with care).',
  '(Thank you|Thanks|Many thanks) for (your honest review|your kind message|telling us|writing to us today|your open words), dear (customer|friend|buyer).',
];

/** How we feel about it. */
const feelings = {
  complaint:
    '(We are sorry|We regret|It is sad|It is a pity|We understand|We see now|It hurts us|We are ashamed|It troubles us)',
  praise:
    '(We are glad|We are happy|It is great|It is lovely|We are proud|We love to read|It cheers us|We are pleased|It delights us)',
};

/** Second part where it names the product: 7 to 9 words. */
const namings = {
  complaint: [
    '{feeling} that (your|the|this) {about} {issue}.',
    '{feeling} that (your|the|this) {about} {issue}.',
    '{feeling} about the (trouble|problem|mess|bad start|worry) with (your|this|the) {about}.',
    '(A|One|Any|Our) {about} should (never|not) (cause you trouble|let you down|behave like this|make you sad|annoy anyone).',
    '(We|They) (checked|tested|opened|studied) the same {about} with our (team|workshop|engineers|designer) (today|at once|again).',
    '(Our team|The workshop|Our designer|My boss) (talked|thought|argued|worried) about your {about} (all morning|today|at length|for an hour).',
    'What (you wrote|you told us|we read) about (your|the|this) {about} (made us think|is not acceptable|surprised the whole team|will not be forgotten).',
  ],
  praise: [
    '{feeling} that (your|the|this) {about} {issue}.',
    '{feeling} that (your|the|this) {about} {issue}.',
    '{feeling} about the (fun|joy|good start|good luck) with (your|this|the) {about}.',
    '(A|One|Any|Our) {about} should (always|really) (make you smile|serve you well|last for years|feel like this|please everyone).',
    '(We|They) (built|tested|packed|checked) the same {about} with our (team|workshop|engineers|designer) (today|at once|again).',
    '(Our team|The workshop|Our designer|My boss) (talked|smiled|sang|laughed) about your {about} (all morning|today|at length|for an hour).',
    'What (you wrote|you told us|we read) about (your|the|this) {about} (made us smile|is very welcome|surprised the whole team|will not be forgotten).',
  ],
};
/** Second part where it is empty: 6 to 10 words. */
const blanks = {
  complaint: [
    '{feeling} (that this happened to you|that you are not happy|to hear such news|about this bad experience|that you feel this way|to disappoint you) (today|again|).',
    '(Every|Each) (customer|buyer|client|guest|person) (matters|counts|means a lot) to (us|our team|our company|all of us) (every day|always|).',
    'We (always|really|truly|honestly) (try|want|hope|work hard) to (do better|do our best|make people happy|serve you well) (here|every time|each day|).',
    'Such (days|moments|stories|messages) (happen|come|appear) even in the best (shops|companies|families|teams) (of all|at times|).',
  ],
  praise: [
    '{feeling} (that this went well for you|that you are happy|to hear such news|about this good experience|that you feel this way|to please you) (today|again|).',
    '(Every|Each) (customer|buyer|client|guest|person) (matters|counts|means a lot) to (us|our team|our company|all of us) (every day|always|).',
    'We (always|really|truly|honestly) (try|want|hope|work hard) to (do better|do our best|make people happy|serve you well) (here|every time|each day|).',
    'Such (days|moments|stories|messages) (happen|come|appear) only in the best (shops|companies|families|teams) (of all|at times|).',
  ],
};

/** Third part where it offers a next step: 7 to 10 words. */
const WHO = '(We will|We can|Let us|We want to|We are going to|I will|Our manager can|The shop will|My team will)';
const WHEN =
  '(today|this week|tomorrow|by Friday|right away|on Monday|next week|within two days|after lunch|this evening|before the weekend)';
const steps = {
  complaint: [
    `${WHO} (send|give|offer|pay|transfer) you (a|the|your) (full|whole|complete) refund ${WHEN}.`,
    `${WHO} (send|ship|bring|mail|deliver) (you a|out a|over a) (free|quick|better|brand new) replacement ${WHEN}.`,
    `${WHO} (offer|give|book|arrange|promise) you a (free|quick|careful|proper) repair (today|this week|tomorrow|in our workshop|at your home|on Monday|by Friday).`,
    `(Our team|The manager|Our service|My boss|An expert) (will|can|shall|is going to) call you back ${WHEN}.`,
    `Please (keep|throw away|send back) the old one (and|while) we (post|prepare|pack) a replacement.`,
    `Just (bring|carry|send) it to (our|the) (shop|workshop|counter) for a (free|quick|careful) repair.`,
  ],
  praise: [
    `${WHO} (send|give|offer|mail|bring) you a (small|free|nice|ten euro) voucher ${WHEN}.`,
    `${WHO} (send|ship|bring|mail|post) (you a|over a) (small|free|nice|secret|lovely) gift ${WHEN}.`,
    'Please (use|enjoy|take|share) the (free|new|summer|ten euro) voucher (in our shop|for your next order|with a friend|for your family) (today|this week|soon|).',
    'A (small|free|nice|secret|lovely) gift (waits|is waiting|lies ready) for you (in our shop|at the counter|in the mail).',
  ],
};
/** Third part where it is empty: 7 to 10 words. */
const platitudes = [
  '(Your words|Your opinion|Such feedback|Every comment|Each review) (helps|guides|teaches|moves) (us|our team|our company) to (grow|learn|improve|get better) (every day|over time|step by step|).',
  'We (hope|wish|would love) to (see|welcome|greet|serve) you again (soon|one day|in the future|some time|before long) (in our shop|with us|).',
  '(Quality|Service|Trust|Honesty|Care) is (very|always|really|truly) important to (us|our company|our team|all of us) (here|every day|and always|).',
  '(Please|Do) (stay|remain) with us (as|while) we (grow|learn|improve|move forward|get better) (together|every day|step by step|).',
  'There is (always|still|often) (room|space|time) to (grow|learn|improve|get better) (for us|in our work|together|every day).',
];

/** Closing: 3 to 5 words. */
const closings = [
  '(Kind|Warm|Best|Many|Friendly) (regards|wishes|greetings) from (the team|us all|your shop|our family).',
  '(Yours|Sincerely|Take care|All the best|See you), (the team|your shop|the service people|your friends here).',
];

const wordCount = (text: string): number => text.split(/\s+/).length;

/** Expands patterns until the part has exactly the wanted number of words. */
function part(patterns: readonly string[], length: number, fill: (pattern: string) => string, rng: Rng): string {
  for (let attempt = 0; attempt < 400; attempt++) {
    const text = withArticles(expand(fill(rng.pick(patterns)), rng));
    if (wordCount(text) === length) return text;
  }
  throw new Error(`no pattern gives ${length} words: ${patterns[0]}`);
}

export function drawReview(rng: Rng): Review {
  const mood = rng.int(4) === 0 ? 'praise' : 'complaint';
  const about = rng.pick(products);
  const issue = rng.pick(mood === 'praise' ? praises : issues);
  const fill = (text: string): string => text.replace('{about}', about).replace('{issue}', issue);
  const frame = expand(rng.pick(reviewFrames[mood]), rng);
  const review = `${capitalised(fill(frame))} ${rng.pick(reviewTails[mood])}`.trim();
  return { review: withArticles(review), about, issue, mood };
}

/** A reply with the given behaviours, or with behaviours drawn at the base rates. */
export function drawReply(
  { about, issue, mood }: Review,
  rng: Rng,
  names: boolean = rng.next() < NAMING_RATE,
  offers: boolean = rng.next() < STEP_RATE,
): string {
  const fill = (pattern: string): string =>
    pattern.replace('{feeling}', feelings[mood]).replace('{about}', about).replace('{issue}', issue);
  const lengths = [5 + rng.int(3), 7 + rng.int(3), 8 + rng.int(2), 4 + rng.int(2)];
  return [
    part(openings, lengths[0]!, fill, rng),
    part(names ? namings[mood] : blanks[mood], lengths[1]!, fill, rng),
    part(offers ? steps[mood] : platitudes, lengths[2]!, fill, rng),
    part(closings, lengths[3]!, fill, rng),
  ].join(' ');
}

/** Reviews of one (product, issue) are all in one of three sets: for pebble's training, for prompts of RLHF, for the final comparison. */
export function reviewSet({ about, issue }: Review): 'pebble' | 'prompts' | 'heldout' {
  const bucket = hashOf(`${about}|${issue}`) % 10;
  return bucket < 6 ? 'pebble' : bucket < 8 ? 'prompts' : 'heldout';
}

function draw(rng: Rng): Episode {
  let review = drawReview(rng);
  while (reviewSet(review) !== 'pebble') review = drawReview(rng);
  return {
    task: 'reply',
    key: review.review,
    turns: [ask(replyPrompt(review.review)), answer(drawReply(review, rng))],
    fields: { ...review },
  };
}

export const reply: Task = { name: 'reply', weight: 0.2, draw };
