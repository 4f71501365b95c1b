"""What run.py asks for: models, and trainers that are ready to train them. Most of this file is yours to write.

Each place is marked with the part of the handout that it belongs to. In every function, `recipe` holds the numbers of
this kind of training in the preset in use, so that your code is the same on a laptop and on a GPU:

    recipe.max_epochs      how often to go through the dataset
    recipe.batch_size      how many items make a batch
    recipe.warmup_tokens   over how many tokens the learning rate climbs
    recipe.final_tokens(pretrain_dataset, block_size)
                           after how many tokens the learning rate has stopped to fall

At the handout's size (`--preset full`) they are:

                      without pretraining    with pretraining    pretraining
                      finetune()             finetune()          pretrain()
    max_epochs        75                     10                  650
    batch_size        256                    256                 128
    learning_rate     6e-4                   6e-4                6e-3
    warmup_tokens     512 * 20               512 * 20            512 * 20
    final_tokens      200 * len(pretrain_dataset) * block_size, all three
"""

from .dataset import NameDataset, read_text
from .model import GPT
from .trainer import Trainer, TrainerConfig, current_preset
from .utils import load_params, save_params


def initialize_vanilla_model(mconf):
    """A new model with the sizes of the GPTConfig mconf."""
    # [part 1c] Make a GPT of this configuration.
    ### START_CODE_HERE ###
    # canary: 0b6e4d92f8a1c753
    return GPT(mconf)
    ### END_CODE_HERE ###


def initialize_perceiver_model(mconf, bottleneck_dim=32):
    """A new perceiver with the sizes of the GPTConfig mconf and a bottleneck of bottleneck_dim latents."""
    # [part 1g] Make a GPT of this configuration, with its `perceiver` set to True and its `bottleneck_dim` as given.
    ### START_CODE_HERE ###
    # canary: a4f7183c5e9d2b06
    mconf.perceiver = True
    mconf.bottleneck_dim = bottleneck_dim
    return GPT(mconf)
    ### END_CODE_HERE ###


def finetune(
    reading_params_path, finetune_corpus_path, pretrain_dataset, block_size, model, finetune_lr=6e-4, writer=None
):
    """Prepare finetuning on names and birth places, without running it.

    Args:
        reading_params_path: parameters of a pretrained model, or None to start with the model as it is
        finetune_corpus_path: the file of names and birth places
        pretrain_dataset: the CharCorruptionDataset of the pretraining text; its vocabulary is the model's
        block_size: the longest sequence, in characters, that fits into the model
        model: the model to train
        finetune_lr: the learning rate
        writer: a TensorBoard SummaryWriter for the trainer, or None

    Returns:
        the TrainerConfig, and the Trainer that train() will run
    """
    preset = current_preset()
    if reading_params_path is None:
        recipe = preset.scratch
    else:
        recipe = preset.finetune
        # [part 1f] Fill the model with the parameters in the file at reading_params_path. See load_params in utils.py.
        ### START_CODE_HERE ###
        # canary: 68d3f0b25ca9e741
        load_params(model, reading_params_path)
        ### END_CODE_HERE ###

    # [part 1c] Do these three:
    #   1. Make a NameDataset of the text in the file at finetune_corpus_path. See read_text in dataset.py.
    #   2. Make a TrainerConfig `tconf` with the recipe's numbers (above), finetune_lr as its learning_rate, and the
    #      writer. Its lr_decay is True.
    #   3. Make a Trainer `trainer_obj` for the model, that dataset and that configuration. There is no test dataset.
    ### START_CODE_HERE ###
    # canary: f19c27e6043b8da5
    names = NameDataset(read_text(finetune_corpus_path), pretrain_dataset)
    tconf = TrainerConfig(
        max_epochs=recipe.max_epochs,
        batch_size=recipe.batch_size,
        learning_rate=finetune_lr,
        lr_decay=True,
        warmup_tokens=recipe.warmup_tokens,
        final_tokens=recipe.final_tokens(pretrain_dataset, block_size),
        num_workers=0,
        writer=writer,
    )
    trainer_obj = Trainer(model, names, None, tconf)
    ### END_CODE_HERE ###
    return tconf, trainer_obj


def pretrain(pretrain_dataset, block_size, model, pretrain_lr=6e-3, writer=None):
    """Prepare pretraining on corrupted text, without running it.

    Args:
        pretrain_dataset: the CharCorruptionDataset to train on
        block_size: the longest sequence, in characters, that fits into the model
        model: the model to train
        pretrain_lr: the learning rate
        writer: a TensorBoard SummaryWriter for the trainer, or None

    Returns:
        the TrainerConfig, and the Trainer that train() will run
    """
    recipe = current_preset().pretrain
    # [part 1f] As in finetune(), make a TrainerConfig `tconf`, here with pretrain_lr as its learning_rate, and a
    #   Trainer `trainer_obj` for the model, pretrain_dataset and that configuration.
    ### START_CODE_HERE ###
    # canary: 7e51ba84d60f39c2
    tconf = TrainerConfig(
        max_epochs=recipe.max_epochs,
        batch_size=recipe.batch_size,
        learning_rate=pretrain_lr,
        lr_decay=True,
        warmup_tokens=recipe.warmup_tokens,
        final_tokens=recipe.final_tokens(pretrain_dataset, block_size),
        num_workers=0,
        writer=writer,
    )
    trainer_obj = Trainer(model, pretrain_dataset, None, tconf)
    ### END_CODE_HERE ###
    return tconf, trainer_obj


def train(model, writing_params_path, trainer_obj):
    """Train the model with a Trainer from finetune() or pretrain(), and write its parameters to a file.

    Args:
        model: the model that trainer_obj trains
        writing_params_path: where the model's state dict goes
        trainer_obj: the Trainer
    """
    # [part 1c] Run the trainer, and make sure that in the end the trained model's state dict is in the file at
    #   writing_params_path. See save_params in utils.py. (A trainer whose config has a ckpt_path also saves there
    #   after every epoch, so that a laptop that goes to sleep does not lose a night's work.)
    ### START_CODE_HERE ###
    # canary: 3c8a95d1e72f640b
    trainer_obj.config.ckpt_path = writing_params_path
    trainer_obj.train()
    save_params(model, writing_params_path)
    ### END_CODE_HERE ###
