/** The words that pebble's world is made of. Everything it reads is put together from these lists. */

const words = (text: string): readonly string[] => text.trim().split(/\s+/);
const phrases = (text: string): readonly string[] => text.trim().split(/\s*\|\s*/);

export const names =
  words(`Anna Ben Clara David Emma Felix Grace Henry Iris Jack Kate Leo Mia Noah Olga Paul Rosa Sam Tina Victor
  Alice Bruno Carol Dora Eric Fiona Georg Helen Ivan Julia Karl Lily Marco Nina Oscar Petra Ruth Simon Tom Vera`);

export const cities =
  words(`Paris London Rome Berlin Madrid Vienna Oslo Prague Dublin Lisbon Athens Warsaw Cairo Tokyo Delhi Lima Boston
  Chicago Sydney Toronto Moscow Zurich Geneva Milan Naples Bergen Porto Krakow Seoul Quito`);

export const colors = words('red blue green yellow black white brown orange purple pink gray golden');

export const belongings =
  words(`bike kite hat coat car boat lamp guitar bag scarf umbrella chair phone drum cup jacket sofa clock mirror
  ladder`);

export const jobs =
  words(`teacher doctor baker pilot farmer nurse painter singer lawyer waiter driver writer dancer gardener plumber
  carpenter`);

export const foods = words(
  'pizza soup rice bread cheese cake pasta salad fish honey chocolate yogurt pancakes noodles',
);

/** Kinds of things, for the tasks in which examples decide what each kind is called. */
export const kinds: Readonly<Record<string, readonly string[]>> = {
  animal: words('cat dog horse cow sheep goat rabbit lion tiger wolf bear mouse monkey camel zebra fox'),
  fruit: words('apple banana cherry grape lemon mango melon peach pear plum fig kiwi papaya apricot lime coconut'),
  tool: words(
    'hammer saw drill wrench shovel rake chisel pliers axe screwdriver file crowbar spade trowel clamp sander',
  ),
  clothing: words(
    'shirt sock glove skirt sweater trousers belt boot dress tie vest blouse shoe sandal pajamas cardigan',
  ),
  instrument: words(
    'piano violin flute trumpet cello harp banjo organ clarinet oboe tuba trombone saxophone accordion fiddle bassoon',
  ),
  vehicle: words(
    'train bus truck plane ship taxi tractor tram van ferry scooter rocket canoe submarine helicopter motorcycle',
  ),
};

/** What a kind may be called in one prompt; which one stands for which kind, only the examples say. */
export const labels = words(`north south east west alpha beta gamma delta monday friday sunday winter summer
  spring iron silver copper stone river forest desert ocean`);

/** Things that are counted in word problems: plural forms. */
export const countables =
  words(`pens apples books coins stamps eggs shells stickers marbles cookies cards buttons candles flowers
  balls pencils`);
export const containers = words('boxes bags packs baskets jars crates');

export const positiveWords =
  words(`good great lovely excellent wonderful fantastic perfect amazing pleasant superb delightful brilliant
  charming beautiful enjoyable`);
export const negativeWords =
  words(`bad terrible awful poor horrible boring disappointing ugly dreadful annoying useless nasty unpleasant
  broken dirty`);
export const reviewed = words(
  'film book hotel meal concert service room coffee game show trip museum staff music story breakfast',
);

export interface Noun {
  readonly english: string;
  readonly french: string;
  readonly feminine: boolean;
}

const noun = (feminine: boolean, pairs: string): readonly Noun[] =>
  phrases(pairs).map(pair => {
    const [english = '', french = ''] = pair.split(':');
    return { english, french, feminine };
  });

export const nouns: readonly Noun[] = [
  ...noun(
    false,
    'cat:chat|dog:chien|horse:cheval|rabbit:lapin|sheep:mouton|wolf:loup|fox:renard|lion:lion|tiger:tigre|duck:canard',
  ),
  ...noun(
    false,
    'boy:garçon|king:roi|soldier:soldat|doctor:médecin|brother:frère|father:père|baker:boulanger|neighbor:voisin',
  ),
  ...noun(
    true,
    'hen:poule|cow:vache|mouse:souris|turtle:tortue|frog:grenouille|goat:chèvre|wasp:guêpe|girl:fille|woman:femme',
  ),
  ...noun(
    true,
    'queen:reine|sister:sœur|mother:mère|aunt:tante|nanny:nourrice|lady:dame|shepherdess:bergère|singer:chanteuse',
  ),
];

/** Adjectives that follow the noun in French: English, masculine, feminine. */
export const adjectives =
  phrases(`black:noir:noire|white:blanc:blanche|green:vert:verte|gray:gris:grise|red:rouge:rouge|brown:brun:brune|
  sad:triste:triste|happy:heureux:heureuse|tired:fatigué:fatiguée|calm:calme:calme|strong:fort:forte|polite:poli:polie`).map(
    entry => {
      const [english = '', masculine = '', feminine = ''] = entry.split(':');
      return { english, masculine, feminine };
    },
  );

export const verbs =
  phrases(`sleeps:dort|eats:mange|runs:court|sings:chante|waits:attend|falls:tombe|arrives:arrive|dances:danse|
  plays:joue|swims:nage|works:travaille|speaks:parle|laughs:rit|drinks:boit`).map(entry => {
    const [english = '', french = ''] = entry.split(':');
    return { english, french };
  });

/** Products that shops sell and customers write reviews about. */
export const products =
  words(`kettle toaster blender lamp backpack umbrella keyboard headset mattress fan heater iron vacuum printer tent
  suitcase razor speaker mixer desk chair bicycle helmet jacket wallet watch camera monitor router charger grill
  fridge oven sofa pillow blanket drill ladder mirror clock`);

/** What may be wrong with a product; each follows "the kettle". */
export const issues =
  phrases(`leaks|broke after a week|is too loud|smells bad|arrived late|arrived broken|stopped working|is too small|
  is hard to clean|looks cheap|gets too hot|came without a manual|has a deep scratch|does not fit|feels weak|rattles|wobbles|
  came in the wrong color|lost its shape|is very slow`);

/** What may be good about a product; each follows "the kettle". */
export const praises =
  phrases(`works perfectly|looks lovely|is very quiet|feels solid|arrived early|is easy to clean|fits perfectly|
  saves me time|is worth the price|made my day`);
