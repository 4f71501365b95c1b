"""Problem 1: pretraining with span corruption, and where people were born."""
